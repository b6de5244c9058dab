"""A stage runs the code of the tree that it stands in.

DVC copies the tree for an experiment in its queue, and hashes the code of the copy. An
editable install imports the code of another tree, so the lock would name code that did
not run.
"""

import os
import sys
from pathlib import Path

SOURCE = Path("src")


def run_own_code(arguments: list[str]) -> None:
    """Start the stage again with the code of this tree, if another code runs.

    Return if this tree has no code of its own, or if it is the one that runs.

    Parameters
    ----------
    arguments
        The arguments of ``python -m gromega.pipeline``.
    """
    own = SOURCE / "gromega" / "pipeline" / "own_code.py"
    if not own.is_file() or own.samefile(__file__):
        return
    path = [str(SOURCE.resolve()), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    command = [sys.executable, "-m", "gromega.pipeline", *arguments]
    os.execv(sys.executable, command)
