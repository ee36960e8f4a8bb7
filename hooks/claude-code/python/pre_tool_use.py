#!/usr/bin/env python3
"""Stops a command that would destroy the system or the home folder, and tells of files with secrets.

The program `oriel hook claude-code` reads a command as a shell does. This reads its words: it
catches accidents in their usual forms.
"""

import os
import re
import shlex
import sys

from common import read, run, tell

WRAPPERS = {"sudo", "doas", "env", "nohup", "time", "nice", "command", "exec", "xargs", "timeout"}
KEYWORDS = {"then", "do", "else", "if", "while", "until", "!", "{", "("}
SHELLS = {"sh", "bash", "dash", "zsh", "ksh"}
SYSTEM = {
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/root", "/sbin",
    "/srv", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/var", "/System", "/Users",
}
DISK = re.compile(r"^/dev/(sd|hd|vd|xvd|nvme|mmcblk|r?disk)")
NARROW = re.compile(r"^-i?(name|path|regex|wholename)$|^-(mtime|mmin|size|newer|empty|perm|user)$")
DOCUMENT = re.compile(r"<<-?\s*(['\"]?)(\w+)\1([^\n]*)\n.*?(?:\n\s*\2(?=\n|$)|\Z)", re.DOTALL)
DEPTH_MAX = 5


def main():
    said, text = read()
    if (os.environ.get("ORIEL_SAFETY") or os.environ.get("AGENTMONITOR_SAFETY") or "1") == "0":
        return
    given = said.get("tool_input") if isinstance(said.get("tool_input"), dict) else {}
    command, path = given.get("command"), given.get("file_path")
    if said.get("tool_name") == "Bash" and isinstance(command, str):
        reason = danger(command)
        if reason:
            metadata = {"blocked": True, "reason": "destructive_command", "command": command}
            tell(said, text, "error", status="error", tool_name="Bash", metadata=metadata)
            print(f"oriel: blocked: {reason}; set ORIEL_SAFETY=0 to allow it", file=sys.stderr)
            sys.stderr.flush()
            os._exit(2)
    if isinstance(path, str) and is_sensitive(path):
        metadata = {"security_warning": True, "reason": "sensitive_file_access", "file_path": path}
        tell(said, text, "tool_use", tool_name=said.get("tool_name"), metadata=metadata)


def danger(command, depth=0):
    """Returns why a command must not run, or nothing."""
    if re.search(r"(\w+|:)\s*\(\)\s*\{\s*\1\s*\|\s*\1\s*&", command):
        return "it would start itself again and again"
    if depth > DEPTH_MAX:
        return None
    command = DOCUMENT.sub(r"\3", command.replace("\\\n", " "))
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.commenters, lexer.whitespace_split = "", True
    words, commands = [], [[]]
    try:
        words = list(lexer)
    except ValueError:
        words = command.split()
    for word in words:
        if word and set(word) <= set(";|&()"):
            commands.append([])
        else:
            commands[-1].append(word)
    # What is substituted runs as well, unless it stands in single quotes.
    bare = re.sub(r"'[^']*'", "", command)
    for inner in re.findall(r"\$\(([^()]*)\)|`([^`]*)`", bare):
        reason = danger(inner[0] or inner[1], depth + 1)
        if reason:
            return reason
    for words in commands:
        reason = judge(words, depth)
        if reason:
            return reason
    return None


def judge(words, depth):
    """Returns why a simple command must not run, or nothing."""
    for index, word in enumerate(words):
        if re.fullmatch(r"[<>]*>[|]?", word) and DISK.match(words[index + 1 : index + 2][0] if words[index + 1 :] else ""):
            return "the output would be written over a device"
        if re.match(r"#", word):
            words = words[:index]
            break
    words = list(words)
    while words and (is_prefix(words[0]) or words[0].startswith("-")):
        words = words[2:] if words[0] in ("-u", "-g", "-n", "-k") else words[1:]
    if not words:
        return None
    name, arguments = words[0].rsplit("/", 1)[-1], words[1:]
    flags = [word for word in arguments if word.startswith("-")]
    operands = [word for word in arguments if not word.startswith("-")]
    deep = any(re.match(r"-[a-zA-Z]*[rR]|--rec", flag) for flag in flags)
    if name in SHELLS and any(re.match(r"-[a-z]*c$", flag) for flag in flags) and operands:
        return danger(operands[0], depth + 1)
    if name == "eval":
        return danger(" ".join(arguments), depth + 1)
    if name == "rm" and deep and any(flag.startswith("--no-pres") for flag in flags):
        return "rm is told to remove even the root folder"
    if name == "rm" and deep and any(is_lost(path) for path in operands):
        return "rm would remove what cannot be made again"
    if name in ("chmod", "chown", "chgrp") and deep and any(target(path) == "/" for path in operands[1:]):
        return f"{name} would change the whole system"
    if name.startswith("mkfs") and any(path.startswith("/dev/") for path in operands):
        return f"{name} would make a new file system over a device"
    if name in ("wipefs", "shred", "blkdiscard", "truncate") and any(DISK.match(p) for p in operands):
        return f"{name} would wipe a device"
    if name == "dd" and any(DISK.match(word[3:]) for word in arguments if word.startswith("of=")):
        return "dd would write over a device"
    if name == "mv" and any(is_lost(path) and not path.startswith("..") for path in operands[:-1]):
        return "mv would move away what the system needs"
    if name == "find" and operands and is_lost(operands[0]):
        removes = "-delete" in flags or "rm" in operands
        if removes and not any(NARROW.match(flag) for flag in flags):
            return "find would delete what cannot be made again"
    return None


def is_prefix(word):
    return (
        word in WRAPPERS
        or word in KEYWORDS
        or re.fullmatch(r"[A-Za-z_]\w*=.*|[0-9]+[smh]?", word, re.DOTALL) is not None
    )


def target(path):
    """Returns the folder that a path means, with everything in a folder meaning the folder."""
    home = os.path.expanduser("~")
    path = re.sub(r"^(\$HOME|\$\{HOME\}|~)(?=/|$)", lambda _: home, path)
    path = re.sub(r"/\.?\*+/?$", "/", path)
    path = os.path.normpath(path) if path else path
    return "/" + path.lstrip("/") if path.startswith("/") else path


def is_lost(path):
    path = target(path)
    if path in SYSTEM or path == os.path.expanduser("~"):
        return True
    return re.fullmatch(r"(\.\./?)+", path) is not None


def is_sensitive(path):
    name = path.rstrip("/").rsplit("/", 1)[-1].lower()
    if name.endswith((".example", ".sample", ".template", ".pub")):
        return False
    return name.startswith((".env.", "id_rsa", "id_ed25519", ".credentials")) or name.endswith(
        (".env", ".pem", ".key", ".credentials", ".secret", ".netrc")
    )


run(main)
