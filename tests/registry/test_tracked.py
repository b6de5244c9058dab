import json
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from gromega.registry.tracked import IGNORED, md5_of, tracked_files

# of a library of DVC
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")


@pytest.fixture
def tracked(tmp_path, monkeypatch):
    """A repository of DVC with a tracked file and a tracked folder."""
    monkeypatch.chdir(tmp_path)
    repo = Repo.init(no_scm=True)
    Path("folder/part").mkdir(parents=True)
    for name in ("one.txt", "folder/two", "folder/part/å"):
        Path(name).write_text(name)
    Path(".dvcignore").write_text("\n".join(IGNORED))
    for name in ("junk.partial", "a~", ".DS_Store"):
        Path("folder", name).write_text("junk")
    repo.add(["one.txt", "folder"])
    return tmp_path


@pytest.mark.parametrize("name", ["one.txt", "folder"])
def test_hashes_are_those_of_dvc(tracked, name):
    stated = yaml.safe_load(Path(f"{name}.dvc").read_text())["outs"][0]["md5"]
    assert tracked_files()[Path(name)] == md5_of(Path(name)) == stated
    assert tracked_files(tracked)[tracked / name] == stated


def test_the_name_of_a_parent_folder_does_not_matter(tmp_path):
    hashes = []
    for parent in ("new", "old~"):
        folder = tmp_path / parent / "m"
        folder.mkdir(parents=True)
        (folder / "one").write_text("1")
        hashes.append(md5_of(folder))
    assert hashes[0] == hashes[1]


@pytest.mark.usefixtures("tracked")
def test_outs_of_stages_are_tracked():
    lock = {"stages": {"a": {"outs": [{"path": "out", "md5": "12"}]}, "b": {}}}
    Path("dvc.lock").write_text(json.dumps(lock))
    assert tracked_files()[Path("out")] == "12"


@pytest.mark.usefixtures("tracked")
@pytest.mark.parametrize("content", ["stages: [", "[]", "stages: 1", "stages: {a: 1}"])
def test_a_torn_lock_is_named(content):
    Path("dvc.lock").write_text(content)
    with pytest.raises(ValueError, match=r"dvc\.lock"):
        tracked_files()


def test_the_ignored_patterns_are_those_of_the_project(request):
    lines = (request.config.rootpath / ".dvcignore").read_text().split()
    assert tuple(lines) == IGNORED
