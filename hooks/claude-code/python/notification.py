#!/usr/bin/env python3
"""Tells that Claude Code has something to say, such as that it waits."""

from common import present, read, run, tell


def main():
    said, text = read()
    kind, words = said.get("notification_type"), said.get("message")
    tell(said, text, "response", metadata=present(notification_type=kind, message=words))


run(main)
