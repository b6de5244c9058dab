"""The child process of a `gromega.crystals.ingest.worker`, which examines files."""

import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from gromega.crystals.refusal import Reason, RefusedError

DONE, READY = b"done\n", b"ready\n"


def serve(tasks: BinaryIO, replies: BinaryIO, seconds: float = 0.0) -> None:
    """Examine the files of all tasks.

    A task is a line of JSON with ``kind``, ``options``, ``skip`` (the number of blocks
    to skip) and ``size`` (the number of bytes of the file), followed by the file. The
    replies are the names of its blocks, a record for each of them, and `DONE`. A child
    without a parent ends itself after somewhat more than twice the time limit for one
    crystal, in s.
    """
    # The parent imports this module for its constants only.
    from gromega.crystals.ingest.validate import (
        IngestOptions,
        examine,
        name_of,
        split_blocks,
    )

    def reply(content: dict[str, Any]) -> None:
        replies.write(json.dumps(content).encode() + b"\n")
        replies.flush()

    def refuse(reason: Reason, detail: str, block: str = "") -> None:
        reply({"block": block, "reason": reason.value, "detail": detail})

    replies.write(READY)
    replies.flush()
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
            refuse(Reason.MEMORY_LIMIT, "exceeds the limit")
        reply({"blocks": [name_of(part) for part in parts]})
        for part in parts[task["skip"] :]:
            _alarm(seconds)
            try:
                reply(examine(part, options))
            except MemoryError:
                refuse(Reason.MEMORY_LIMIT, "exceeds the limit", name_of(part))
            except Exception as error:
                # gemmi and spglib raise errors of many types for hostile files.
                detail = f"{type(error).__name__}: {error}"
                refuse(Reason.CRASH, detail, name_of(part))
        _alarm(0)
        replies.write(DONE)
        replies.flush()


def _alarm(seconds: float) -> None:
    """Let the system end this process if its parent has not, even in a C loop."""
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
        # macOS does not allow setting this limit.
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    """Run the child. Its arguments are the memory limit in MiB and the seconds."""
    # The output of a library must not mix with the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(int(sys.argv[1]))
    serve(sys.stdin.buffer, replies, float(sys.argv[2]))


if __name__ == "__main__":
    main()
