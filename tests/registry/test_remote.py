"""Push, damage and pull, by the commands that a user types."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from serving import Garbage, Refusing, serve

DVC = [sys.executable, "-m", "dvc"]
VERIFY = [sys.executable, "-c", "from gromega.cli.main import main; main()", "verify"]
STAGES = """\
stages:
  sweeps:
    cmd: python -c ""
    outs: [data/sweeps, data/split.txt]
"""
FILES = {
    "data/sweeps/rmax/0": "rmax 0",
    "data/sweeps/rmax/1": "rmax 1",
    "data/sweeps/qmax/0": "qmax 0",
    "data/split.txt": "split",
    "models/spacegroup/weights": "weights",
}


def call(command, *arguments, status=0):
    """Run a command in the current folder and return what it prints, in one line."""
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True, text=True, env=environment, timeout=100,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    """A project whose stage outs are in the remote lake, its model in its own."""
    folder = tmp_path_factory.mktemp("pushed")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "project").mkdir()
        patch.chdir(folder / "project")
        call(DVC, "init", "--no-scm")
        call(DVC, "remote", "add", "registry", "models/registry")
        for name, content in FILES.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(content)
        call(DVC, "add", "models/spacegroup")
        text = Path("models/spacegroup.dvc").read_text()
        Path("models/spacegroup.dvc").write_text(
            text.replace(
                "  path: spacegroup\n", "  path: spacegroup\n  remote: registry\n"
            )
        )
        Path("dvc.yaml").write_text(STAGES)
        call(DVC, "commit", "--force", "sweeps")
        # without a lake, only the model gets into the project
        assert "no remote specified" in call(DVC, "push", status=1)
        assert len(objects("models/registry")) in (0, 2)
        call(DVC, "remote", "add", "--default", "lake", "../lake")
        call(DVC, "push")
        assert len(objects("../lake")) == 5
        assert len(objects("models/registry")) == 2
        for made in ("data", "models/spacegroup", ".dvc/cache"):
            shutil.rmtree(made)
    return folder


def objects(remote):
    return {p.parent.name + p.name: p for p in Path(remote).glob("files/md5/*/*")}


@pytest.fixture(params=["folder", "http"])
def clone(pushed, tmp_path, monkeypatch, request):
    """A clone without data, with the lake in a folder or behind an HTTP server."""
    shutil.copytree(pushed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")
    call(DVC, "remote", "modify", "lake", "verify", "true")
    if request.param == "folder":
        yield tmp_path
        return
    with serve(tmp_path / "lake") as address:
        call(DVC, "remote", "modify", "lake", "url", address)
        yield tmp_path


def here():
    return {name for name, content in FILES.items() if Path(name).is_file()}


@pytest.mark.usefixtures("clone")
def test_all_or_a_part_is_pulled():
    call(DVC, "pull", "models/spacegroup.dvc")
    assert here() == {"models/spacegroup/weights"}
    call(DVC, "pull", "data/sweeps/rmax")
    assert here() == {"models/spacegroup/weights", *list(FILES)[:2]}
    call(DVC, "pull")
    assert here() == set(FILES)
    found = call(VERIFY, "--remote")
    assert found.count("intact") == 3


def test_a_damaged_and_a_missing_object_are_told_apart(clone):
    lake = objects(clone / "lake")
    content = {md5: path.read_text() for md5, path in lake.items()}
    damaged = next(md5 for md5, text in content.items() if text == "rmax 1")
    lost = next(md5 for md5, text in content.items() if text == "qmax 0")
    lake[damaged].chmod(0o644)
    lake[damaged].write_text("rmax 2")
    lake[lost].unlink()
    found = call(VERIFY, "--remote", "lake", status=1)
    assert (
        f"data/sweeps: in the remote lake, of 3 objects 1 missing, such as {lost}; "
        f"1 damaged, such as {damaged}"
    ) in found
    assert "data/split.txt: in the remote lake, intact" in found
    assert "registry" not in found
    # neither is taken for right
    call(DVC, "pull", status=1)
    assert not any(path.read_text() == "rmax 2" for path in Path().rglob("data/**/1"))
    lake[damaged].unlink()
    (listed,) = (path for md5, path in lake.items() if md5.endswith(".dir"))
    listed.unlink()
    found = call(VERIFY, "--remote", "lake", status=1)
    assert f"1 missing, such as {listed.parent.name}{listed.name}" in found


def test_a_server_that_fails_is_not_a_missing_object(pushed, tmp_path, monkeypatch):
    shutil.copytree(pushed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")
    for kind in (Garbage, Refusing):
        with serve(tmp_path / "lake", kind) as address:
            call(DVC, "remote", "modify", "lake", "url", address)
            found = call(VERIFY, "--remote", "lake", status=2)
            assert found.startswith("gromega: the remote lake cannot be read")
    # the server is gone
    found = call(VERIFY, "--remote", "lake", status=2)
    assert found.startswith("gromega: the remote lake cannot be read")


def test_an_unknown_remote_is_named(clone):
    assert "'nothing'" in call(VERIFY, "--remote", "nothing", status=2)
    shutil.rmtree(clone / "project" / "models" / "registry")
    assert "missing" in call(VERIFY, "--remote", "registry", status=1)
