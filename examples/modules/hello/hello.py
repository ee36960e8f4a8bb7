#!/usr/bin/env python3
"""A small module: pages below the console, for nobody but the console.

It needs nothing but Python 3. It listens on a loopback port of the system's choice and says which on
a line of its own. It refuses whoever does not send its token. It ends when its standard input
closes, which is when the daemon has ended, however that came about.
"""

import hmac
import html
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

MOUNT = os.environ.get("ORIEL_MODULE_MOUNT", "/")
TOKEN = os.environ.get("ORIEL_MODULE_TOKEN", "")
STATIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")

# A longer form is refused.
BODY_BYTES_MAX = 64 * 1024

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Hello</title>
<link rel="stylesheet" href="{mount}static/hello.css">
</head>
<body>
<main>
<h1>Hello, {name}</h1>
<form method="post" action="{mount}greet">
<input type="hidden" name="_csrf" value="{csrf}">
<label>Your name <input name="name" maxlength="100" required></label>
<button>Greet</button>
</form>
<p><a href="{mount}about">About this module</a></p>
</main>
</body>
</html>
"""


class Pages(BaseHTTPRequestHandler):
    """Answers below the root; the console takes the mount away before it asks."""

    server_version = "hello"
    protocol_version = "HTTP/1.1"
    # Whoever sends nothing more does not hold a thread for ever.
    timeout = 30

    def do_GET(self):
        if not self.is_console():
            return
        path, _, query = self.path.partition("?")
        if path == "/":
            name = parse_qs(query).get("name", ["you"])[0]
            self.answer(200, self.page(name), {"Set-Cookie": "seen=1; Path=/"})
        elif path == "/about":
            # The old name of a page leads to the new one.
            self.answer(302, "", {"Location": "/about.html"})
        elif path == "/about.html":
            self.answer(200, "<!doctype html><title>About</title><p>A sample module.</p>")
        elif path == "/static/hello.css":
            with open(os.path.join(STATIC, "hello.css"), encoding="utf-8") as file:
                self.answer(200, file.read(), {"Content-Type": "text/css"})
        else:
            self.answer(404, "<!doctype html><title>Not found</title><p>There is no such page.</p>")

    def do_POST(self):
        if not self.is_console():
            return
        if self.path != "/greet":
            self.answer(404, "<!doctype html><title>Not found</title><p>There is no such page.</p>")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self.answer(413, "<!doctype html><title>Too long</title><p>This is too long.</p>")
            return
        form = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        self.answer(200, self.page(form.get("name", ["you"])[0]))

    def is_console(self):
        """Refuses whoever does not know the token that only the console was told."""
        token = self.headers.get("X-Oriel-Module-Token", "")
        if TOKEN and hmac.compare_digest(token.encode(), TOKEN.encode()):
            return True
        self.answer(403, "<!doctype html><title>Refused</title><p>Only the console may ask.</p>")
        return False

    def page(self, name):
        # The console refuses a form that does not carry what it tells with each request.
        csrf = self.headers.get("X-Oriel-CSRF", "")
        return PAGE.format(
            mount=html.escape(MOUNT), csrf=html.escape(csrf), name=html.escape(name[:100])
        )

    def answer(self, status, text, headers=None):
        body = text.encode()
        self.send_response(status)
        sent = {"Content-Type": "text/html; charset=utf-8", **(headers or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        # What was not read of a request must not be taken for the next one.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        print(self.command, format % arguments, file=sys.stderr)


def end_with_the_daemon():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    threading.Thread(target=end_with_the_daemon, daemon=True).start()
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
