import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from damage import flip

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "spacegroup"
# What an answer by the core must not need: 750 MB of the extras.
EXTRAS = ("dask", "dvc", "jax", "numba", "pyarrow", "sklearn", "zarr")


def build(tree, out, target="wheel"):
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what the build reads."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("CHANGELOG.md", "CITATION.cff", ".gitignore"):
        shutil.copy(ROOT / name, tree)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tree / "src", ignore=ignore)
    (tree / "models").mkdir()
    shutil.copy(ROOT / "models" / "spacegroup.dvc", tree / "models")
    return tree


@pytest.fixture
def released(tree):
    if not MODEL.is_dir():
        pytest.skip("needs models/spacegroup: git restore models")
    shutil.copytree(MODEL, tree / "models" / "spacegroup")
    yield tree / "models" / "spacegroup"
    shutil.rmtree(tree / "models" / "spacegroup")


def test_the_wheel_predicts_in_an_empty_directory_without_the_extras(
    tree, released, tmp_path
):
    made = build(tree, tmp_path / "dist")
    assert made.returncode == 0, made.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    inside = tmp_path / "installed" / "gromega" / "models" / "spacegroup"
    stated = json.loads((inside / "card.json").read_text())["sha256"]
    found = hashlib.sha256((inside / "weights.safetensors").read_bytes()).hexdigest()
    assert found == stated["weights.safetensors"]

    program = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv[1].split(',')));"
        "sys.argv = ['gromega', *sys.argv[2:]];"
        "from gromega.cli.main import main; main()"
    )
    (tmp_path / "empty").mkdir()
    path = os.pathsep.join([str(tmp_path / "installed"), sysconfig.get_path("purelib")])

    def run(*words):
        result = subprocess.run(
            # -S: without the editable install of the environment
            [sys.executable, "-S", "-c", program, ",".join(EXTRAS), *words],
            cwd=tmp_path / "empty", capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": path, "HOME": str(tmp_path / "empty")},
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result

    run("examples")
    result = run("predict", "examples/rutile-synchrotron.gr", "--json")
    (prediction,) = json.loads(result.stdout).values()
    assert prediction["groups"][0]["number"] == 136
    assert prediction["reliability"]["n"] == 2000


def test_the_source_archive_has_the_model_and_none_of_the_data(
    tree, released, tmp_path
):
    made = build(tree, tmp_path, "sdist")
    assert made.returncode == 0, made.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"hatch_build.py", "models/spacegroup/weights.safetensors"} <= names
    assert not any(name.startswith(("data", "tests", "models/reg")) for name in names)


def test_nothing_is_built_without_the_model(tree, tmp_path):
    made = build(tree, tmp_path)
    assert made.returncode != 0
    assert "git restore models/spacegroup" in made.stdout + made.stderr
    assert not any(tmp_path.iterdir())


def test_nothing_is_built_with_a_damaged_model(tree, released, tmp_path):
    flip(released / "weights.safetensors")
    assert build(tree, tmp_path).returncode != 0
    assert not any(tmp_path.iterdir())
