"""A released model from a git address, by the commands of docs/remotes.md."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path

import pytest
import yaml
from releasable import write_pipeline
from serving import GitHandler, serve, serve_git

from gromega.registry.registry import verify_folder
from gromega.registry.release import ReleaseInfo, release
from gromega.registry.tracked import md5_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "remotes.md").read_text("utf-8")
PROJECT = """\
artifacts:
  spacegroup: {path: models/spacegroup, type: model}
stages:
  train:
    cmd: python -c ""
    outs: [data/split.parquet, models/current]
"""
SET_UP = """\
git init --quiet --initial-branch main
git remote add origin ../served/gromega.git
git init --quiet --bare --initial-branch main ../served/gromega.git
mkdir .dvc && echo /config.local > .dvc/.gitignore && touch .dvc/config
dvc commit --quiet --force train
"""
# As in CONTRIBUTING.md
RELEASE = """\
dvc add --quiet models/spacegroup
git add --all
git commit --quiet --message "Release spacegroup {version}"
gto register spacegroup --version {version}
git push --quiet --follow-tags origin main
"""


def run(script, folder, status=0):
    """Run a script of the shell in a folder, and return what it prints."""
    who = {"NAME": "a", "EMAIL": "a@b"}
    environment = {
        **os.environ,
        **{f"GIT_AUTHOR_{key}": value for key, value in who.items()},
        **{f"GIT_COMMITTER_{key}": value for key, value in who.items()},
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    done = subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, timeout=100,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    return done.stdout


def run_at_once(scripts, folder):
    """Run scripts that do not need each other, and return what each prints."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(run, scripts, [folder] * len(scripts)))


def block(title, number, language="sh"):
    """Return a block of code of a section of the page."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.M | re.S)[number]


def version(folder):
    return verify_folder(folder)["version"]


NEWEST = "v2.0.0"  # which the page names


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with two releases in a git repository that can be served."""
    folder = tmp_path_factory.mktemp("made")
    project = folder / "project"
    write_pipeline(project)
    shutil.copy(ROOT / ".gitattributes", project)
    (project / "dvc.yaml").write_text(PROJECT)
    (project / ".gitignore").write_text("/cache\n/.dvc/cache\n/.dvc/tmp\n")
    run(SET_UP, project)
    tracked = ROOT / "models" / "spacegroup.dvc"
    shutil.copy(tracked, project / "models")
    for each in ("v1.8.1", NEWEST):
        with chdir(project):
            release(ReleaseInfo("spacegroup", each))
        run(RELEASE.format(version=each), project)
    return folder


@pytest.fixture
def git_address(made):
    with serve_git(made / "served") as root:
        yield f"{root}gromega.git"


@pytest.fixture
def http_address(made):
    with serve(made / "served", GitHandler) as root:
        yield f"{root}gromega.git"


@pytest.fixture
def user(tmp_path):
    """An empty folder elsewhere."""
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def at(address, script):
    assert "https://host/gromega.git" in script
    return script.replace("https://host/gromega.git", address)


def test_the_model_is_got_from_a_git_server(git_address, user):
    *commands, last = block("The model from a git address", 0).splitlines()
    shown, *_ = run_at_once([at(git_address, each) for each in commands], user)
    run(at(git_address, last), user)
    assert re.search(rf"spacegroup\W+{NEWEST}", shown)
    assert version(user / "spacegroup") == NEWEST
    assert version(user / "older") == "v1.8.1"
    assert version(user / "newer") == NEWEST
    assert version(user / "cache/gromega/models/spacegroup") == NEWEST


def test_the_model_is_imported_and_opened_in_python(git_address, user):
    run("git init --quiet && mkdir .dvc && touch .dvc/config", user)
    first, update = block("The model from a git address", 1).splitlines()
    run(at(git_address, first), user)
    assert version(user / "model") == "v1.8.1"
    run(update, user)
    assert version(user / "model") == NEWEST
    program = at(git_address, block("The model from a git address", 0, "python"))
    (user / "program.py").write_text(program)
    assert NEWEST in run("python program.py", user)


def test_a_web_server_does_as_well(http_address, user):
    get, _, artifact, *_ = block("The model from a git address", 0).splitlines()[1:]
    run_at_once([at(http_address, get), at(http_address, artifact)], user)
    assert version(user / "spacegroup") == version(user / "newer") == NEWEST


def test_a_fresh_clone_has_the_model_and_its_versions(git_address, user):
    clone = f"git clone --quiet {git_address} .\ngit config advice.detachedHead false\n"
    run(f"{clone}dvc pull models/spacegroup.dvc\ndvc pull --allow-missing", user)
    assert version(user / "models/spacegroup") == NEWEST
    commands = block("Versions and tags", 0).splitlines()
    run("\n".join(commands[1:]), user)  # the first one is the maintainers'
    assert version(user / "models/spacegroup") == "v1.8.1"
    assert "models/spacegroup" in run("dvc status models/spacegroup.dvc", user)


def test_tags_travel_with_the_commits(made):
    tags = run("git tag --list", made / "served/gromega.git").split()
    assert tags == ["spacegroup@v1.8.1", f"spacegroup@{NEWEST}"]
    kinds = run("git for-each-ref --format '%(objecttype)' refs/tags", made / "project")
    assert set(kinds.split()) == {"tag"}


def test_results_are_published_by_one_line(made, tmp_path, user):
    for name in ("project", "served"):
        shutil.copytree(made / name, tmp_path / name)
    lake = tmp_path / "lake"
    lake.mkdir()
    with serve_git(tmp_path / "served") as root, serve(lake) as served:

        def here(script):
            script = script.replace("https://host/lake", served.rstrip("/"))
            return script.replace("/mnt/lake", str(lake))

        address = f"{root}gromega.git"
        script = here(block("Publish results", 0))
        run(script.replace("git push", "git push origin main"), tmp_path / "project")
        run(at(address, here(block("Publish results", 1))), user)
        expected = (made / "project/data/split.parquet").read_bytes()
        for name in ("split.parquet", "split.parquet.1"):
            assert (user / name).read_bytes() == expected
        # a plain pull gets all, and ends without an error
        run(f"git clone --quiet {address} clone && cd clone && dvc pull", user)
        assert (user / "clone/data/split.parquet").read_bytes() == expected


def test_the_released_files_are_in_git_and_those_that_dvc_states():
    for name in ("spacegroup", "library.parquet"):
        (out,) = yaml.safe_load((ROOT / f"models/{name}.dvc").read_text())["outs"]
        assert out["cache"] is False
        assert "remote" not in out
        assert md5_of(ROOT / "models" / name) == out["md5"]
        run(f"git ls-files --error-unmatch models/{name}", ROOT)
