#!/usr/bin/env python3
"""Tells that a session ended."""

from common import present, read, run, tell


def main():
    said, text = read()
    tell(said, text, "session_end", metadata=present(reason=said.get("reason")))


run(main)
