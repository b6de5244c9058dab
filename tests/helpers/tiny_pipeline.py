"""A small copy of the pipeline, to kill, to damage and to run twice at once."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import yaml
from damage import flip

from gromega.crystals.table import read_table
from gromega.lake.splits import PARTS, read_part
from gromega.lake.verify import verify_store
from gromega.model.io import load_model, save_model
from gromega.model.model import Model

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
RECIPE = "space_groups: [225, 194, 229]\ncrystals_per_group: 10\nseed: 0\n"
PARAMS = {
    "crystals": {"source": "data/few.yaml", "groups": 3},
    "split": {"test": 0.25, "validation": 0.2},
    "train": {"epochs": 1},
    "sweep": {"param": "uiso"},
}


def read_split(path: Path) -> list[list[str]]:
    """Return the ids of all parts of a split."""
    return [read_part(path, part)[0].tolist() for part in PARTS]


_CHECKS = {"*.zarr": verify_store, "*.parquet": read_table, "split.parquet": read_split}
"""The loaders that must refuse what is not whole, by names of files."""


def with_few_test_crystals(model: Model) -> Model:
    """Return a model that is scored in a second."""
    crystals = model.test_crystals
    assert crystals is not None
    few = replace(
        crystals,
        ids=crystals.ids[:20],
        y=crystals.y[:20],
        density=crystals.density[:20],
        spectra={
            name: replace(held, roots=held.roots[:20], largest=held.largest[:20])
            for name, held in crystals.spectra.items()
        },
        formulas=crystals.formulas[:20],
        relatives=None,
    )
    return replace(model, test_crystals=few)


class Pipeline:
    """A folder with the stages and the code of this tree, and few crystals.

    A state is the seed of its split. `right` has, by state, the SHA-256 of the files
    that an undisturbed run has made.
    """

    def __init__(self, root: Path, folder: Path, target: str | None = None) -> None:
        self.folder = folder
        self.params = yaml.safe_load((root / "params.yaml").read_text("utf-8"))
        for name, values in PARAMS.items():
            self.params[name] |= values
        self.targets = [target] if target else []
        self.right: dict[int, dict[str, str]] = {}
        self.took: dict[str, float] = {}
        folder.mkdir(parents=True)
        for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
            shutil.copy(root / name, folder / name)
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / "src", folder / "src", ignore=skip)
        (folder / "models").mkdir()
        shutil.copy(root / "models/random.yaml", folder / "models/random.yaml")
        if target is None:
            released = with_few_test_crystals(load_model(root / "models/spacegroup"))
            save_model(folder / "models/spacegroup", released)
            card = "models/spacegroup/card.json"
            shutil.copy(root / card, folder / card)
        (folder / "data").mkdir()
        (folder / "data/few.yaml").write_text(RECIPE)
        self.edit(0)
        self.call("git", "init", "-q")
        self.call("dvc", "init", "-q")
        self.call("dvc", "remote", "add", "-q", "-d", "there", str(folder / ".remote"))
        self.call("dvc", "config", "remote.there.verify", "true")
        self.call("git", "add", ".")
        self.call(
            "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        # Tests may run with a PYTHONPATH of their own.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def call(self, *command: str) -> tuple[int, str]:
        """Run a command; return its exit status and its output."""
        process = self.start(*command)
        output, _ = process.communicate()
        return process.returncode, output

    def edit(self, state: int) -> None:
        """Change the seed of the split."""
        self.state = state
        self.params["split"]["seed"] = state
        (self.folder / "params.yaml").write_text(yaml.safe_dump(self.params))

    def repro(self) -> None:
        """Run what is stale; all outs must then be those of an undisturbed run."""
        status, output = self.call("dvc", "repro", *self.targets)
        assert status == 0, output
        found = self.files()
        if self.state not in self.right:
            self.right[self.state] = found
            for name in found:
                copy = self.folder / f".right/{self.state}" / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.folder / name, copy)
        right = self.right[self.state]
        wrong = [name for name in found | right if found.get(name) != right.get(name)]
        assert wrong == [], wrong
        assert self.leftovers() == []

    def kill(self, command: list[str], seconds: float, number: int) -> bool:
        """Kill a command and its children after a time; return whether that ended it.

        An interrupt is lost if Python is in a callback that ignores exceptions.
        """
        process = self.start(*command)
        time.sleep(seconds)
        running = process.poll() is None
        if running:
            os.killpg(process.pid, number)
        process.communicate()
        lock = self.folder / "dvc.lock"
        try:
            yaml.safe_load(lock.read_text()) if lock.exists() else None
        except yaml.YAMLError:
            # docs/evaluation.md says so.
            lock.unlink()
        return running and process.returncode != 0

    def outs(self) -> list[Path]:
        """Return the outs of all stages that are there."""
        stages = yaml.safe_load((self.folder / "dvc.yaml").read_text())["stages"]
        outs = [
            out if isinstance(out, str) else next(iter(out))
            for stage in stages.values()
            for kind in ("outs", "metrics")
            for out in stage.get(kind, [])
        ]
        return [self.folder / out for out in outs if (self.folder / out).exists()]

    def paths(self) -> list[Path]:
        """Return the files of all outs."""
        found = (p for out in self.outs() for p in (out, *out.rglob("*")))
        return sorted({path for path in found if path.is_file()})

    def files(self) -> dict[str, str]:
        """Return the SHA-256 of the files of all outs by name."""
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in self.paths()
        }

    def leftovers(self) -> list[str]:
        """Return what is left under a temporary name."""
        places = [self.folder / name for name in ("data", "metrics", "models")]
        return [str(p) for place in places for p in place.rglob("*.partial")]

    def damage(self, generator: random.Random, lose: bool) -> Path | None:
        """Lose a file of an out, or flip one of its bits; return the file."""
        paths = [path for path in self.paths() if path.stat().st_size]
        if not paths:
            return None
        path = generator.choice(paths)
        if lose:
            path.unlink()
            return path
        flip(path, generator.random(), 1 << generator.randrange(8))
        return path

    def taken_for_right(self) -> list[str]:
        """Return what loaders accept although no undisturbed run has made it."""
        found, wrong = self.files(), []
        checks = [
            (path, check)
            for pattern, check in _CHECKS.items()
            for path in (self.folder / "data").rglob(pattern)
        ]
        checks += [(path, load_model) for path in self.folder.glob("models/*")]
        for path, check in checks:
            name = path.relative_to(self.folder).as_posix()

            def of_this(files: dict[str, str], name: str = name) -> dict[str, str]:
                return {
                    k: v for k, v in files.items() if f"{k}/".startswith(name + "/")
                }

            made = [of_this(files) for files in self.right.values()]
            # An out of a stage that is not a target has no right files to compare with.
            if not any(made) or of_this(found) in made:
                continue
            try:
                loaded = check(path)
            except (ValueError, OSError):
                continue
            # A flip between the values of a table is harmless.
            copies = self.folder.glob(f".right/*/{name}")
            tables = check in (read_table, read_split)
            if tables and any(loaded == check(c) for c in copies):
                continue
            wrong.append(name)
        return wrong
