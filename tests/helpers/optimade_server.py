"""The server of optimade-python-tools on loopback, in a process of its own."""

import json
import os
import subprocess
import sys

# The port is chosen by the system, and the server says which.
SERVE = """
import socket, sys, uvicorn
from optimade.server.main import app
asked, fail_at = 0, int(sys.argv[1])
async def failing(scope, receive, send):
    global asked
    if scope["type"] == "http" and scope["path"].endswith("/structures"):
        asked += not scope["path"].endswith("info/structures")
        if asked == fail_at:
            asked += 1
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
    await app(scope, receive, send)
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(failing, log_level="error")).run([listener])
"""


def start(folder, entries, page_limit, fail_at=-1):
    """Start the server, and return its process and its address.

    It refuses the request for structures of that number, from 1, with HTTP 503.
    """
    lines = [{"x-optimade": {"meta": {"api_version": "1.2.0"}}}, *entries]
    data = folder / "data.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = {
        "database_backend": "mongomock", "insert_test_data": False,
        "insert_from_jsonl": str(data), "page_limit_max": page_limit,
        "log_dir": str(folder),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(fail_at)], stdout=subprocess.PIPE, text=True,
        cwd=folder, stderr=subprocess.DEVNULL,
        env={**os.environ, "OPTIMADE_CONFIG_FILE": str(folder / "config.json")},
    )  # fmt: skip
    port = next(line for line in server.stdout if line.startswith("port "))
    return server, f"http://127.0.0.1:{int(port.split()[1])}"
