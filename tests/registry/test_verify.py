"""Verification of a small project: everything in it is found, whole or damaged."""

import shutil
from pathlib import Path

import pytest
import yaml
from damage import flip
from releasable import write_pipeline

from gromega.crystals.table import write_table
from gromega.model.library_io import write_library
from gromega.registry.release import ReleaseInfo, release
from gromega.registry.tracked import md5_of
from gromega.registry.verify import verify_paths

OUTS = ("data", "models/current", "models/library.parquet", "models/spacegroup")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, library, small_table):
    folder = tmp_path_factory.mktemp("whole")
    write_pipeline(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        release(ReleaseInfo("spacegroup", "v1.0.0"))
        write_library(Path("models/library.parquet"), library)
        write_table(small_table, Path("data/crystals.parquet"))
        outs = [{"path": path, "md5": md5_of(Path(path))} for path in OUTS]
        lock = {"stages": {"all": {"outs": outs}}}
        Path("dvc.lock").write_text(yaml.safe_dump(lock))
    return folder


@pytest.fixture
def project(whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(*paths):
    return {str(f.path): f.problem for f in verify_paths([*map(Path, paths)])}


@pytest.mark.usefixtures("project")
def test_everything_of_a_workspace_is_found_whole():
    kinds = {finding.path: finding.kind for finding in verify_paths([])}
    assert kinds == {
        "data": "folder",
        "data/crystals.parquet": "crystals",
        "data/predictions/reference.zarr": "store",
        "data/predictions/sweeps/qdamp.zarr": "store",
        "data/reference.zarr": "store",
        "data/split.parquet": "table",
        "data/sweeps/qdamp.zarr": "store",
        "models/current": "model",
        "models/library.parquet": "library",
        "models/spacegroup": "model",
    }
    assert set(problems().values()) == {""}


@pytest.mark.parametrize(
    ("damaged", "named"),
    [
        ("data/crystals.parquet", {"data", "data/crystals.parquet"}),
        ("data/split.parquet", {"data", "data/split.parquet"}),
        ("data/synthetic.yaml", {"data"}),
        ("data/predictions/reference.zarr/manifest.json",
         {"data", "data/predictions/reference.zarr"}),
        ("models/library.parquet", {"models/library.parquet"}),
        ("models/current/config.json", {"models/current"}),
        ("models/spacegroup/CARD.md", {"models/spacegroup"}),
        ("models/spacegroup/split.parquet", {"models/spacegroup"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("change", [flip, Path.unlink])
def test_a_damaged_and_a_lost_file_are_found(project, damaged, named, change):
    change(project / damaged)
    found = {path for path, problem in problems().items() if problem}
    # a table that is lost leaves the folder that has lost it
    assert found in (named, named - {damaged} or named)


@pytest.mark.parametrize(
    "damaged", ["models/current/manifest.json", "data/crystals.parquet"]
)
def test_without_dvc_the_own_checksums_count(project, damaged):
    (project / "dvc.lock").unlink()
    path = damaged if damaged.endswith(".parquet") else str(Path(damaged).parent)
    assert problems(path) == {path: ""}
    flip(project / damaged, 1 / 9)
    assert problems(path)[path]


@pytest.mark.parametrize(
    ("path", "named"),
    [("none", "missing"), ("params.yaml", "no checksum"), ("empty", "no checksum")],
)
def test_what_cannot_be_verified_is_a_problem_if_it_is_named(project, path, named):
    (project / "empty").mkdir()
    assert named in problems(path)[path]


@pytest.mark.usefixtures("project")
def test_a_folder_stands_for_what_is_in_it():
    assert problems("data/predictions").keys() == {
        "data/predictions/reference.zarr", "data/predictions/sweeps/qdamp.zarr",
    }  # fmt: skip
