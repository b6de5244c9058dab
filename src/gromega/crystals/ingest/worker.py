"""Worker processes that examine files, with limits on time and memory.

The child process, `gromega.crystals.ingest.serve`, reads tasks from its standard input
and replies with lines of JSON. A child that exceeds a limit is killed, and the next
task starts another one.

The library pebble was measured and is not used, for three reasons. It starts processes
by multiprocessing, which fails in a worker of a Dask cluster ("daemonic processes are
not allowed to have children"). It has one time limit per task, so that each block of a
file would need a task of its own that parses the file again. And it is slower: 47 to 65
files per second against 80 to 98, for 978 files of the COD on the same two busy cores.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from gromega.crystals.ingest.serve import DONE, READY
from gromega.crystals.refusal import Reason

CHILD = ("-m", "gromega.crystals.ingest.serve")
# The time limit of the start in seconds: libraries may be read over a network.
START = 120.0


@dataclass(frozen=True)
class Limits:
    """The limits for one crystal: time in s, address space in MiB (not on Windows)."""

    seconds: float = 20.0
    mebibytes: int = 4096


class WorkerProcess:
    """A child process that examines files, one after another, within some limits."""

    def __init__(self, limits: Limits, program: Sequence[str] = CHILD) -> None:
        self.limits = limits
        self.program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = False
        self._closed = False

    def examine(
        self, kind: str, content: bytes, options: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Yield a record for each crystal of a file, see `ingest.validate.examine`.

        A crystal that exceeds a limit or crashes the process is refused. The blocks
        after it are examined all the same. Raise OSError if the process cannot be
        started, or `close` was called.
        """
        done = 0
        names: list[str] = []
        self._busy = True
        try:
            while True:
                for reply in self._request(kind, content, options, done):
                    if "blocks" in reply:
                        names = reply["blocks"]
                        continue
                    if reply.pop("lost", False) and done < len(names):
                        reply["block"] = names[done]
                    yield reply
                    done += 1
                if done >= len(names):
                    return
        finally:
            self._busy = False
            if self._closed:
                self._end()

    def _request(
        self, kind: str, content: bytes, options: dict[str, Any], skip: int
    ) -> Iterator[dict[str, Any]]:
        """Yield the replies to a task. Past a limit, the last one is a refusal."""
        process = self._start()
        assert process.stdin and process.stdout
        task = {"kind": kind, "options": options, "skip": skip, "size": len(content)}
        with self._deadline(process, self.limits.seconds) as late, suppress(OSError):
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.write(content)
            process.stdin.flush()
        while not late.is_set():
            with self._deadline(process, self.limits.seconds) as late:
                line = process.stdout.readline()
            if line == DONE:
                return
            if not line.endswith(b"\n"):
                break
            yield json.loads(line)
        status = self._end()
        if self._closed:
            raise OSError("the ingest was interrupted; run it again.")
        reason, detail = Reason.CRASH, f"of the process, status {status}"
        if late.is_set():
            reason, detail = Reason.TIME_LIMIT, f"{self.limits.seconds:g} s"
        yield {"block": "", "reason": reason.value, "detail": detail, "lost": True}

    @contextmanager
    def _deadline(
        self, process: subprocess.Popen[bytes], seconds: float
    ) -> Iterator[threading.Event]:
        """Kill the process after some time; yield an event that says if it was."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise OSError("the ingest was interrupted; run it again.")
        if self._process is None or self._process.poll() is not None:
            limits = [str(self.limits.mebibytes), str(self.limits.seconds)]
            # Each worker process has a core to itself.
            threads = {
                f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")
            }
            self._process = subprocess.Popen(
                [sys.executable, *self.program, *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **threads},
            )
            assert self._process.stdout
            with self._deadline(self._process, START):
                ready = self._process.stdout.readline() == READY
            if not ready:
                status = self._end()
                raise OSError(
                    f"a worker process cannot be started (status {status}); raise the "
                    "memory limit, or check the installation with 'gromega doctor'."
                )
        return self._process

    def _end(self) -> int | None:
        """End the process, and return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        assert process.stdin and process.stdout
        with suppress(OSError):
            # The process may be gone before it has read everything.
            process.stdin.close()
        try:
            process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        return process.returncode

    def close(self) -> None:
        """End the process, even in the middle of an examination."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
            if not self._busy:
                self._end()
