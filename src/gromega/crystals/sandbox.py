"""A process of its own for files that may hang or crash a library.

The child, ``python -m gromega.crystals.sandbox``, reads tasks from its standard input
and answers with lines of JSON. One that exceeds its limits is killed, and the next
task gets a new one.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from gromega.crystals.quarantine import Reason, RefusedError

DONE = b"done\n"
CHILD = ("-m", "gromega.crystals.sandbox")


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

    def examine(
        self, kind: str, content: bytes, options: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Yield a record for each crystal of a file, see `gromega.crystals.examine`.

        A crystal that exceeds a limit, or crashes the process, is a refusal; the
        blocks after it are examined all the same.
        """
        done, n_blocks = 0, 1
        while done < n_blocks:
            n_blocks = 0
            for answer in self._ask(kind, content, options, done):
                if "blocks" in answer:
                    n_blocks = answer["blocks"]
                else:
                    yield answer
                    done += 1

    def _ask(
        self, kind: str, content: bytes, options: dict[str, Any], skip: int
    ) -> Iterator[dict[str, Any]]:
        """Yield the answers to a task; past a limit, a refusal is the last."""
        process = self._start()
        assert process.stdin and process.stdout
        task = {"kind": kind, "options": options, "skip": skip, "size": len(content)}
        with suppress(OSError):
            process.stdin.write(json.dumps(task).encode() + b"\n" + content)
            process.stdin.flush()
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        while True:
            timer = threading.Timer(self.limits.seconds, stop)
            timer.start()
            line = process.stdout.readline()
            timer.cancel()
            if line == DONE:
                return
            if not line.endswith(b"\n"):
                break
            yield json.loads(line)
        self.close()
        reason, detail = Reason.CRASH, f"of the process, status {process.returncode}"
        if late.is_set():
            reason, detail = Reason.TIME_LIMIT, f"{self.limits.seconds:g} s"
        yield {"block": "", "reason": reason.value, "detail": detail}

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, *self.program, str(self.limits.mebibytes)]
            # One thread: each sandbox has a core to itself.
            threads = {
                f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")
            }
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **threads},
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin and process.stdout
            process.stdout.close()
            with suppress(OSError):
                # What was written to a process that is gone.
                process.stdin.close()


def serve(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Answer tasks until there are no more: what the child does."""
    from gromega.crystals.examine import Options, examine, split_blocks

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content).encode() + b"\n")
        answers.flush()

    while line := tasks.readline():
        task = json.loads(line)
        content = tasks.read(task["size"])
        options = Options(**task["options"])
        try:
            parts = split_blocks(task["kind"], content)
        except RefusedError as error:
            answer({"block": "", "reason": error.reason.value, "detail": error.detail})
            parts = []
        answer({"blocks": len(parts)})
        for part in parts[task["skip"] :]:
            try:
                answer(examine(part, options))
            except MemoryError:
                detail = "more than the limit"
                reason = Reason.MEMORY_LIMIT.value
                answer({"block": "", "reason": reason, "detail": detail})
        answers.write(DONE)
        answers.flush()


def _limit_memory(mebibytes: int) -> None:
    try:
        import resource
    except ImportError:
        # Windows has no such limit.
        return
    limit = mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    """Be the child: the one argument is its memory in MiB."""
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(int(sys.argv[1]))
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
