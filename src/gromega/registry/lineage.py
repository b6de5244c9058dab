"""The lineage of a released model: code, libraries, parameters, lock and parent."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import yaml

from gromega._util.files import sha256, write_whole
from gromega.model.model import Model
from gromega.params import read_params
from gromega.registry.tracked import md5_of, tracked_files

LIBRARIES = (
    "gemmi", "gromega", "flax", "jax", "numba", "numpy", "optax", "periodictable",
    "scipy", "spglib", "zarr",
)  # fmt: skip
"""The libraries that determine numbers."""


def lineage_of(root: Path, trained: Path, model: Model) -> dict[str, Any]:
    """Return the block ``lineage`` of a card.

    Parameters
    ----------
    root
        The folder of the pipeline that trained the model.
    trained
        The folder of the trained model.
    model
        The model.

    Raises
    ------
    ValueError
        If the dvc.lock of the pipeline is that of another model.
    """
    lock = root / "dvc.lock"
    if lock.is_file():
        by_path = {p.resolve(): md5 for p, md5 in tracked_files(root).items()}
        if by_path.get(trained.resolve()) != md5_of(trained):
            raise ValueError(
                f"{lock}: it is that of another model than {trained}; run 'dvc repro'."
            )
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": _git(root, "rev-parse", "HEAD"),
        "clean": None if changes is None else not changes,
        "dvc_lock": sha256(lock) if lock.is_file() else None,
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "parent": model.training.get("start"),
    }


def write_params(root: Path, path: Path) -> None:
    """Write the parameters of a pipeline, all of them, without the folders of paths."""
    params = read_params(root / "params.yaml")
    content = params.model_dump(exclude={"reference"})
    content["reference"] = params.reference.to_mapping()
    for section, key in (("crystals", "source"), ("train", "start")):
        content[section][key] = Path(content[section][key]).name
    write_whole(path, yaml.safe_dump(content, sort_keys=False))


def _git(root: Path, *arguments: str) -> str | None:
    """Return the output of git, or None outside of a repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
