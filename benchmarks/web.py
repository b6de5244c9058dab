"""Load and fuzz the server that 'gromega serve' starts.

    python benchmarks/web.py [MODEL] [--rate 50] [--seconds 60] [--fuzz 10000]

sends requests at a rate (the examples of the page, without reliability), then files
that are broken at random, and prints the statuses and the times of the responses.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import numpy as np

from gromega.measured.examples import EXAMPLES

TEXTS = [text.encode() for text in EXAMPLES.values()]
CLIENTS = 16
PATH = "/api/predict?reliability=false"


def post(port, content):
    """Return the status of a response, or the name of the exception, and its time."""
    start = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", PATH, content)
        reply = connection.getresponse()
        reply.read()
        return reply.status, time.perf_counter() - start
    except (OSError, HTTPException) as error:
        return type(error).__name__, time.perf_counter() - start
    finally:
        connection.close()


def send_all(port, contents, rate=None):
    """Return statuses and times of requests, sent at a rate or as fast as possible."""
    found, lock = [], threading.Lock()
    remaining, start = iter(enumerate(contents)), time.perf_counter()

    def send():
        while True:
            with lock:
                k, content = next(remaining, (None, None))
            if k is None:
                return
            if rate:
                time.sleep(max(0.0, start + k / rate - time.perf_counter()))
            response = post(port, content)
            with lock:
                found.append(response)

    threads = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def broken(draw):
    """Return an example with pieces of it replaced at random."""
    content = bytearray(draw.choice(TEXTS))
    for _ in range(draw.randint(1, 20)):
        start = draw.randrange(len(content) + 1)
        pieces = (
            draw.randbytes(draw.randint(0, 40)), b"\n", b"nan", b"1e400", b"\x00", b"-",
            b"\xff\xfe", b"qmax = 0\n", b"\x1f\x8b", content[: start // 2],
        )  # fmt: skip
        content[start : start + draw.choice([0, 1, 50])] = draw.choice(pieces)
    return bytes(content)


def report(name, found):
    """Print the statuses and the times of responses."""
    times = np.array([seconds for _, seconds in found])
    print(
        json.dumps(
            {
                name: len(found),
                "statuses": {
                    str(k): n for k, n in Counter(s for s, _ in found).items()
                },
                "seconds": {
                    "median": round(float(np.median(times)), 3),
                    "99 %": round(float(np.quantile(times, 0.99)), 3),
                    "longest": round(float(times.max()), 3),
                },
            }
        )
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", default="models/spacegroup")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--fuzz", type=int, default=10_000)
    options = parser.parse_args()
    command = str(Path(sys.executable).with_name("gromega"))
    with subprocess.Popen(
        [command, "serve", "--model", options.model, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        # Warnings may come before the line with the address.
        port = next(
            int(found[1])
            for line in server.stderr
            if (found := re.search(r"http://.*:(\d+);", line))
        )
        for text in TEXTS:
            post(port, text)
        count = round(options.rate * options.seconds)
        contents = [TEXTS[k % len(TEXTS)] for k in range(count)]
        report(f"at {options.rate:g} a second", send_all(port, contents, options.rate))
        draw = random.Random(0)
        report("broken", send_all(port, [broken(draw) for _ in range(options.fuzz)]))
        server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
