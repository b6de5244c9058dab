import json
import re
import shutil
import warnings
from pathlib import Path

import pytest
from dvc.repo import Repo
from releasable import write_pipeline
from serving import serve

from gromega.model.io import load_model
from gromega.registry.pull import pull_model
from gromega.registry.registry import find_model
from gromega.registry.release import ReleaseInfo, release

CONFIG = """[core]
no_scm = true
['remote "registry"']
url = ../models/registry
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A project with a released model in its remote."""
    folder = tmp_path_factory.mktemp("published")
    write_pipeline(folder)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(folder)
        warnings.simplefilter("ignore", DeprecationWarning)
        Repo.init(no_scm=True).close()
        Path(".dvc/config").write_text(CONFIG)
        release(ReleaseInfo("spacegroup", "v1.0.0"))
        with Repo() as repo:
            repo.add("models/spacegroup")
            repo.push(["models/spacegroup.dvc"], remote="registry")
    shutil.rmtree(folder / "models" / "spacegroup")
    return folder


@pytest.fixture
def registry(published, tmp_path, monkeypatch):
    """The same project, and a user elsewhere."""
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path / "user")
    return shutil.copytree(published, tmp_path / "registry")


@pytest.fixture(params=["folder", "http"])
def address(registry, request):
    if request.param == "folder":
        yield str(registry)
        return
    with serve(registry) as served:
        yield served


def test_a_pulled_model_is_found_by_its_name(address, tmp_path):
    path = pull_model("spacegroup", address, "v1.0.0")
    assert path.is_relative_to(tmp_path / "cache")
    assert find_model("spacegroup") == path
    for name in ("spacegroup", "models/spacegroup", path):
        assert load_model(name).space_groups.tolist() == [194, 225, 229]


def test_the_model_of_the_project_comes_first(address, registry, monkeypatch):
    pull_model("spacegroup", address)
    own = shutil.copytree(registry / "models/current", "models/spacegroup")
    shutil.rmtree(registry / "models")
    assert load_model().space_groups.tolist() == [194, 225, 229]
    (Path(own) / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="models/spacegroup"):
        load_model()


def test_another_version_is_refused_and_not_kept(address, tmp_path):
    with pytest.raises(ValueError, match=r"v1\.0\.0"):
        pull_model("spacegroup", address, "v2.0.0")
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_the_version_is_put_into_the_address(address):
    assert pull_model("spacegroup", address + "{version}", "")
    with pytest.raises(OSError, match=r"v1\.0\.0"):
        pull_model("spacegroup", address + "/{version}", "v1.0.0")


def test_the_address_may_be_in_the_environment(address, monkeypatch):
    with pytest.raises(ValueError, match="GROMEGA_REGISTRY"):
        pull_model("spacegroup")
    monkeypatch.setenv("GROMEGA_REGISTRY", address)
    assert pull_model("spacegroup")


def objects(registry, like):
    md5 = re.findall(r"md5: (\w+)", (registry / "models/spacegroup.dvc").read_text())[0]
    listed = registry / "models/registry/files/md5" / md5[:2] / f"{md5[2:]}.dir"
    if like == "list":
        return listed
    file = next(f for f in json.loads(listed.read_text()) if f["relpath"] == like)
    return listed.parents[1] / file["md5"][:2] / file["md5"][2:]


@pytest.mark.parametrize("like", ["weights.safetensors", "card.json"])
def test_a_damaged_and_a_missing_object_are_told_apart(address, registry, like):
    path = objects(registry, like)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=f"{path.parent.name}{path.name}.*damaged"):
        pull_model("spacegroup", address)
    path.unlink()
    with pytest.raises(OSError, match=f"{path.parent.name}/{path.name}"):
        pull_model("spacegroup", address)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("outs: [", r"spacegroup\.dvc"),
        ("outs:\n- md5: ../../../etc/passwd\n", "passwd|damaged"),
        ("[" * 5000, r"spacegroup\.dvc"),
    ],
)
def test_a_hostile_registry_is_refused(address, registry, text, named):
    (registry / "models/spacegroup.dvc").write_text(text)
    with pytest.raises((ValueError, OSError), match=named):
        pull_model("spacegroup", address)


def test_an_unknown_model_and_server_are_named(registry):
    with pytest.raises(OSError, match=r"other\.dvc"):
        pull_model("other", str(registry))
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        pull_model("other", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"\.\./x"):
        pull_model("../x", str(registry))
