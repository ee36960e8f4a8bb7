#!/usr/bin/env python3
"""Tells what was asked. An empty prompt is none."""

from common import present, read, run, tell


def main():
    said, text = read()
    prompt = said.get("prompt")
    if isinstance(prompt, str) and prompt:
        metadata = present(message=prompt, prompt_id=said.get("prompt_id"))
        tell(said, text, "user_prompt", metadata=metadata)


run(main)
