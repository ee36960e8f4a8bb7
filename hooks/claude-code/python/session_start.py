#!/usr/bin/env python3
"""Tells that a session began, or went on."""

from common import present, read, run, tell


def main():
    said, text = read()
    model = said.get("model") if isinstance(said.get("model"), str) else None
    tell(said, text, "session_start", model=model, metadata=present(hook_source=said.get("source")))


run(main)
