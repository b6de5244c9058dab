import json
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from serving import GitHandler, Quiet, serve, serve_git
from typer.testing import CliRunner

from gromega._util import progress
from gromega.cli.main import app
from gromega.model.io import load_model
from gromega.registry import pull
from gromega.registry.pull import pull_model
from gromega.registry.registry import find_model, verify_folder

GROUPS = [194, 225, 229]
# What a pull must not need: the modules of the extras.
EXTRAS = ["dvc", "jax", "jinja2", "jsonschema", "numba", "pyarrow", "yaml", "zarr"]


@pytest.fixture
def project(released, tmp_path, monkeypatch):
    """The files of a project with a released model, and a user elsewhere."""
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path / "user")
    shutil.copytree(released / "models", tmp_path / "project" / "models")
    return tmp_path / "project"


@pytest.fixture(params=["folder", "http"])
def address(project, request):
    if request.param == "folder":
        yield str(project)
        return
    with serve(project) as served:
        yield served


@pytest.fixture(params=["daemon", "http"])
def repository(project, request):
    """The address of the project's git repository, with a tag of the release."""
    for command in (
        ["init", "--quiet"],
        ["add", "models/spacegroup"],
        ["commit", "--quiet", "-m", "Release spacegroup v1.0.0"],
        ["tag", "-a", "-m", "Release", "spacegroup@v1.0.0"],
    ):
        user = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *user, *command], cwd=project, check=True)
    served = serve(project, GitHandler)
    if request.param == "daemon":
        served = serve_git(project)
    with served as root:
        yield f"{root}.git"


def test_a_pulled_model_is_found_by_its_name(address, tmp_path):
    path = pull_model("spacegroup", address, "v1.0.0")
    assert path.is_relative_to(tmp_path / "cache")
    assert find_model("spacegroup") == path
    assert verify_folder(path)["version"] == "v1.0.0"
    for name in ("spacegroup", "models/spacegroup", path):
        assert load_model(name).space_groups.tolist() == GROUPS


def test_a_model_is_pulled_from_a_git_repository(repository):
    for version in ("v1.0.0", ""):
        path = pull_model("spacegroup", repository, version)
        assert verify_folder(path)["version"] == "v1.0.0"
        shutil.rmtree(path)
    # no such version, model and repository
    with pytest.raises(ValueError, match=r"spacegroup v2\.0\.0"):
        pull_model("spacegroup", repository, "v2.0.0")
    with pytest.raises(OSError, match="other"):
        pull_model("other", repository)
    with pytest.raises(OSError, match=r"absent\.git"):
        pull_model("spacegroup", repository.replace(".git", "absent.git"))
    assert not path.exists()


def test_without_tags_a_version_is_found_in_the_history(repository, project):
    for command in (
        ["tag", "-d", "spacegroup@v1.0.0"],
        ["rm", "--quiet", "-r", "models/spacegroup"],
        ["commit", "--quiet", "-m", "Remove the model"],
    ):
        user = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *user, *command], cwd=project, check=True)
    path = pull_model("spacegroup", repository, "v1.0.0")
    assert verify_folder(path)["version"] == "v1.0.0"
    shutil.rmtree(path)
    for name, version in (("spacegroup", "v2.0.0"), ("other", "v1.0.0")):
        with pytest.raises(ValueError, match=f"{name} {version}"):
            pull_model(name, repository, version)
    assert not path.exists()


def test_git_may_be_missing(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match="not installed"):
        pull_model("spacegroup", "git://127.0.0.1:9/x")


def test_the_model_of_the_project_comes_first(address, project, monkeypatch):
    ask = ["models", "pull", "--from", address]
    pulled = CliRunner().invoke(app, ask).stdout.splitlines()
    assert len(pulled) == 1
    shutil.copytree(project / "models/spacegroup", "models/spacegroup")
    assert load_model().space_groups.tolist() == GROUPS
    # the command says so
    again = CliRunner().invoke(app, ask).stdout.splitlines()
    assert again[0] == pulled[0]
    assert "models/spacegroup comes before" in again[1]
    Path("models/spacegroup/weights.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="models/spacegroup"):
        load_model()


def test_a_model_is_pulled_without_the_extras(address, tmp_path):
    program = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(',')));"
        "from gromega.cli.main import main; main()"
    )
    ask = ["models", "pull", "spacegroup@v1.0.0", "--from", address]
    done = subprocess.run(
        [sys.executable, "-c", program, ",".join(EXTRAS), *ask],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "cache") in done.stdout


def test_a_terminal_shows_each_file_and_its_size(address, project, monkeypatch):
    shown = Console(file=StringIO(), force_terminal=True, width=200)
    monkeypatch.setattr(progress, "console", shown)
    pull_model("spacegroup", address)
    size = (project / "models/spacegroup/weights.safetensors").stat().st_size
    text = shown.file.getvalue()
    assert "weights.safetensors" in text
    assert f"{size / 1000:.1f}" in text


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


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "config.json", "card.json", "manifest.json"]
)
def test_a_damaged_and_a_missing_file_are_told_apart(address, project, name):
    path = project / "models/spacegroup" / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(ValueError, match=f"{name}.*damaged"):
        pull_model("spacegroup", address)
    path.unlink()
    with pytest.raises(OSError, match=f"spacegroup/{name}"):
        pull_model("spacegroup", address)


def test_a_file_that_ends_early_or_is_too_large_is_refused(project, monkeypatch):
    (project / "short").write_bytes(b"12345678")
    with serve(project) as address:
        monkeypatch.setattr(pull, "LIMIT", 7)
        with pytest.raises(ValueError, match="short: more than"):
            pull._read(address + "short")
    with serve(project, Short) as address, pytest.raises(OSError, match="5 of 8 bytes"):
        pull._read(address + "short")


class Short(Quiet):
    def do_GET(self):  # noqa: N802
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"12345")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 5000,
        "[]",
        '{"sha256": {}, "version": "v1.0.0"}',
        '{"sha256": [], "version": NaN}',
    ],
)
def test_another_file_than_a_card_is_refused(address, project, text):
    (project / "models/spacegroup/card.json").write_text(text)
    with pytest.raises(ValueError, match=r"card\.json: damaged"):
        pull_model("spacegroup", address)


@pytest.mark.parametrize("name", ["../outside", "..", "/etc/passwd", "a/b", ""])
def test_a_card_names_files_of_its_folder_only(address, project, name):
    path = project / "models/spacegroup/card.json"
    card = json.loads(path.read_text("utf-8"))
    card["sha256"][name] = "0" * 64
    card["sha256"]["card.json"] = pull.card_hash(card)
    path.write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"card\.json: the file name"):
        pull_model("spacegroup", address)


def test_an_unknown_model_and_server_are_named(project):
    with pytest.raises(OSError, match=r"other/card\.json"):
        pull_model("other", str(project))
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        pull_model("other", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"\.\./x"):
        pull_model("../x", str(project))
