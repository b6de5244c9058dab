"""A process of its own for files that may hang or crash a library.

The child, ``python -m gromega.crystals.ingest.worker``, reads tasks from its standard
input and answers with lines of JSON. One that exceeds its limits is killed, and the
next task gets a new one.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from gromega.crystals.refusal import Reason, RefusedError

DONE, READY = b"done\n", b"ready\n"
CHILD = ("-m", "gromega.crystals.ingest.worker")
# Seconds that a child may take to start: its libraries come over a network at worst.
START = 120.0


@dataclass(frozen=True)
class Limits:
    """What one crystal may take.

    Parameters
    ----------
    seconds
        The time for each crystal, in seconds.
    mebibytes
        The address space of the process, in MiB; not limited on Windows.
    """

    seconds: float = 20.0
    mebibytes: int = 4096


class Sandbox:
    """A child process that examines files, one after another.

    Parameters
    ----------
    limits
        What one crystal may take.
    program
        What Python runs as the child.
    """

    def __init__(self, limits: Limits, program: Sequence[str] = CHILD) -> None:
        self.limits = limits
        self.program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = False
        self._closed = False

    def examine(
        self, kind: str, content: bytes, options: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Yield a record for each crystal of a file, see `ingest.validate`.

        A crystal that exceeds a limit, or crashes the process, is a refusal; the
        blocks after it are examined all the same.

        Raises
        ------
        OSError
            If the process cannot be started.
        """
        done = 0
        names: list[str] = []
        self._asking = True
        try:
            while True:
                for answer in self._ask(kind, content, options, done):
                    if "blocks" in answer:
                        names = answer["blocks"]
                        continue
                    if answer.pop("lost", False) and done < len(names):
                        answer["block"] = names[done]
                    yield answer
                    done += 1
                if done >= len(names):
                    return
        finally:
            self._asking = False
            if self._closed:
                self._end()

    def _ask(
        self, kind: str, content: bytes, options: dict[str, Any], skip: int
    ) -> Iterator[dict[str, Any]]:
        """Yield the answers to a task; past a limit, a refusal is the last."""
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
            raise OSError("the examination of files was interrupted.")
        reason, detail = Reason.CRASH, f"of the process, status {status}"
        if late.is_set():
            reason, detail = Reason.TIME_LIMIT, f"{self.limits.seconds:g} s"
        yield {"block": "", "reason": reason.value, "detail": detail, "lost": True}

    @contextmanager
    def _deadline(
        self, process: subprocess.Popen[bytes], seconds: float
    ) -> Iterator[threading.Event]:
        """Kill the process if the block takes longer; yield whether that was so."""
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
            raise OSError("the examination of files was interrupted.")
        if self._process is None or self._process.poll() is not None:
            limits = [str(self.limits.mebibytes), str(self.limits.seconds)]
            # One thread: each sandbox has a core to itself.
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
                    f"a process to examine files cannot be started (status {status}); "
                    "does 'gromega doctor' run, and is the memory limit large enough?"
                )
        return self._process

    def _end(self) -> int | None:
        """End the process, and return its status."""
        process, self._process = self._process, None
        if process is None:
            return None
        assert process.stdin and process.stdout
        with suppress(OSError):
            # What was written to a process that is gone.
            process.stdin.close()
        try:
            process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        return process.returncode

    def close(self) -> None:
        """End the process, and what is being examined."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
            if not self._asking:
                self._end()


def serve(tasks: BinaryIO, answers: BinaryIO, seconds: float = 0.0) -> None:
    """Prediction tasks until there are no more: what the child does.

    Parameters
    ----------
    tasks, answers
        Where tasks come from and answers go to.
    seconds
        The time after which the child ends itself, if there is no parent to do so.
    """
    from gromega.crystals.ingest.validate import (
        IngestOptions,
        examine,
        name_of,
        split_blocks,
    )

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content).encode() + b"\n")
        answers.flush()

    def refuse(reason: Reason, detail: str, block: str = "") -> None:
        answer({"block": block, "reason": reason.value, "detail": detail})

    answers.write(READY)
    answers.flush()
    while line := tasks.readline():
        task = json.loads(line)
        content = tasks.read(task["size"])
        options = IngestOptions(**task["options"])
        parts = []
        try:
            _alarm(seconds)
            parts = split_blocks(task["kind"], content)
        except RefusedError as error:
            refuse(error.reason, error.detail)
        except MemoryError:
            refuse(Reason.MEMORY_LIMIT, "more than the limit")
        answer({"blocks": [name_of(part) for part in parts]})
        for part in parts[task["skip"] :]:
            _alarm(seconds)
            try:
                answer(examine(part, options))
            except MemoryError:
                refuse(Reason.MEMORY_LIMIT, "more than the limit", name_of(part))
            except Exception as error:
                # Whatever a library raises costs one line, and is named.
                detail = f"{type(error).__name__}: {error}"
                refuse(Reason.CRASH, detail, name_of(part))
        _alarm(0)
        answers.write(DONE)
        answers.flush()


def _alarm(seconds: float) -> None:
    """End this process some time after its parent should have, even in a C loop."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(2 * seconds) + 10 if seconds else 0)


def _limit_memory(mebibytes: int) -> None:
    try:
        import resource
    except ImportError:
        # Windows has no such limit.
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = mebibytes * 2**20
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with suppress(ValueError, OSError):
        # macOS has the limit, and does not let it be set.
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    """Be the child: the two arguments are its memory in MiB and its seconds."""
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(int(sys.argv[1]))
    serve(sys.stdin.buffer, answers, float(sys.argv[2]))


if __name__ == "__main__":
    main()
