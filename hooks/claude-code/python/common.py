"""What the hooks share: reading what Claude Code says, and telling the daemon.

A hook must never disturb the agent, so whatever goes wrong ends with exit code 0, and telling takes
two seconds at most. It needs nothing but Python's own library.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
import urllib.request

SECONDS_MAX = 2


def url():
    """Returns the daemon's address."""
    given = os.environ.get("ORIEL_URL") or os.environ.get("AGENTMONITOR_URL")
    return (given or "http://127.0.0.1:3142").rstrip("/")


def read():
    """Returns what Claude Code says, and its text; ends the hook where that is no JSON object."""
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        print("oriel: the hook was given no JSON object", file=sys.stderr)
        sys.exit(0)
    return said, text


def branch(folder):
    """Returns the branch that a folder is on, if it is on one."""
    try:
        command = ["git", "-C", folder, "symbolic-ref", "--quiet", "--short", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1, check=False)
        return done.stdout.strip() or None
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def tell(said, text, event_type, **fields):
    """Tells the daemon of an event. Its name is made of all that was said."""
    folder = said.get("cwd") if isinstance(said.get("cwd"), str) else ""
    name = hashlib.sha256(f"{event_type} {text}".encode("utf-8", "replace")).hexdigest()[:32]
    event = {
        "event_id": f"hook-{name}",
        "session_id": said.get("session_id") or "unknown",
        "agent_type": "claude_code",
        "event_type": event_type,
        "source": "hook",
        "project": os.path.basename(folder.rstrip("/")),
        "branch": branch(folder) if folder else None,
        **fields,
    }
    event = {name: value for name, value in event.items() if value not in (None, "")}
    body = json.dumps(event).encode()
    # A thread that the program does not wait for, since a name can take long to look up.
    thread = threading.Thread(target=post, args=(body,), daemon=True)
    thread.start()
    thread.join(SECONDS_MAX)


def post(body):
    """Posts an event; nobody can help it where that fails."""
    headers = {"content-type": "application/json"}
    try:
        request = urllib.request.Request(f"{url()}/api/events", data=body, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=SECONDS_MAX).close()
    except Exception:  # Whatever it is, the agent must not be disturbed by it.
        pass


def present(**fields):
    """Returns the fields that hold something."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


def run(main):
    """Runs a hook, whose failure is no concern of the agent."""
    try:
        main()
    except Exception as error:
        print(f"oriel: the hook failed: {error}", file=sys.stderr)
    sys.stdout.flush()
    # Whatever thread is left is not waited for.
    os._exit(0)
