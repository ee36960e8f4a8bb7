#!/usr/bin/env python3
"""Tells what a tool did."""

from common import present, read, run, tell


def main():
    said, text = read()
    given = said.get("tool_input") if isinstance(said.get("tool_input"), dict) else {}
    names = ("command", "file_path", "pattern", "query", "url")
    metadata = present(
        tool_use_id=said.get("tool_use_id"),
        lines_added=lines(given.get("new_string") or given.get("content")),
        lines_removed=lines(given.get("old_string")),
        **{name: given.get(name) for name in names},
    )
    took = said.get("duration_ms")
    took = took if isinstance(took, int) and not isinstance(took, bool) else None
    tell(said, text, "tool_use", tool_name=said.get("tool_name"), duration_ms=took, metadata=metadata)


def lines(text):
    """Returns the number of lines in a text."""
    return len(text.removesuffix("\n").split("\n")) if isinstance(text, str) and text else None


run(main)
