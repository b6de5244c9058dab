"""Servers on loopback: files over HTTP, and git repositories by both of its ways."""

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print nothing."""


class Garbage(Quiet):
    """Answers without a status line."""

    def do_GET(self):
        self.wfile.write(b"0\r\n\r\n")

    def do_HEAD(self):
        self.do_GET()


class Refusing(Quiet):
    """Answers that it is forbidden."""

    def do_GET(self):
        self.send_error(403)

    def do_HEAD(self):
        self.do_GET()


class GitHandler(Quiet):
    """Answers by ``git http-backend``, as web servers do."""

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.body())

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def answer(self, body):
        path, _, query = self.path.partition("?")
        given = {
            "GIT_PROJECT_ROOT": self.directory,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env={**os.environ, **given},
            capture_output=True, check=True,
        )  # fmt: skip
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serve(folder, kind=Quiet):
    """Serve a folder, and yield the address, with a slash at its end."""
    handler = partial(kind, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve_git(folder):
    """Serve the git repositories of a folder, and yield the address of the folder."""
    path = subprocess.run(["git", "--exec-path"], capture_output=True, text=True)
    program = shutil.which("git-daemon", path=path.stdout.strip())
    if program is None:
        pytest.skip("git daemon is not installed; it is part of most packages of git")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all"]
    server = subprocess.Popen(
        [program, *options, f"--base-path={folder}", str(folder)],
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield f"git://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()
