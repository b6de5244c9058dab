"""The commands and the Python of README and docs hold for the code.

tests/pipeline/test_docs.py runs what needs the files of a pipeline.
"""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir
from itertools import pairwise, product
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from documents import PAGES, ROOT, blocks, commands, lines, page_name
from typer.main import get_command
from typer.testing import CliRunner

from gromega.cli.main import app
from gromega.params import Params
from gromega.pipeline import STAGES

# Commands of gromega that this module does not run, and why.
NOT_RUN = {
    "gromega serve": "a server that runs until Ctrl+C; tests/web starts it",
    "gromega fetch": "needs a database on the web; tests/pipeline/test_fetch.py",
    "gromega models pull": "needs the web; tests/cli/test_models.py",
    "gromega models release": "needs a trained model; tests/registry",
    "gromega reproduce": "takes minutes; tests/registry",
    "gromega ingest examples/cifs --out mine.parquet --scheduler": "needs a server",
    "gromega evaluate": "needs a pipeline; tests/pipeline/test_docs.py",
    "gromega report": "needs a pipeline; tests/pipeline/test_docs.py",
}
# Programs whose commands are tested here, and others.
OURS = {"dvc", "gromega", "make", "pytest", "python"}
OTHERS = {"cat", "cd", "curl", "export", "git", "gto", "ls", "sed", "source", "uv"}
# What CONTRIBUTING.md lets its reader add, and one of its kind that is there.
ADDED = {
    "delta1": "uiso",
    "mlp": "small",
    "tests/networks/test_mlp.py": "tests/networks/test_build.py",
}
# Pages whose Python needs the files of a pipeline; tests/pipeline/test_docs.py.
OF_PIPELINE = {"formats.md", "own-model.md"}
# The Python of remotes.md needs a git server; tests/registry/test_urls.py.
OTHER_TESTS = {*OF_PIPELINE, "remotes.md", "CONTRIBUTING.md"}
WITH_PYTHON = [
    page for page in PAGES if blocks(page, "python") and page.name not in OTHER_TESTS
]


def runs(line):
    return line.startswith("gromega ") and not line.startswith(tuple(NOT_RUN))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_gromega_command_has_its_options(page):
    for words in commands(page):
        if words[:1] != ["gromega"]:
            continue
        command = get_command(app)
        rest = words[1:]
        while rest and rest[0] in getattr(command, "commands", {}):
            command = command.commands[rest.pop(0)]
        assert not getattr(command, "commands", {}), words
        known = {option for each in command.params for option in each.opts}
        known |= {option for each in command.params for option in each.secondary_opts}
        given = {word.partition("=")[0] for word in rest if re.match("--?[a-z]", word)}
        assert given <= {*known, "--help", "-h"}, words


def experiments(words):
    """Yield the settings of each experiment of `dvc exp run`: lists in a queue."""
    settings = [value for flag, value in pairwise(words) if flag == "-S"]
    names = [setting.partition("=")[0] for setting in settings]
    values = [setting.partition("=")[2] for setting in settings]
    if "--queue" in words:
        choices = [re.findall(r"\[.*?\]|[^,]+", value) for value in values]
    else:
        choices = [[value] for value in values]
    for chosen in product(*choices):
        yield zip(names, map(yaml.safe_load, chosen), strict=True)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_experiment_sets_parameters_that_exist(page):
    text = (ROOT / "params.yaml").read_text("utf-8")
    for words in commands(page):
        if words[:3] != ["dvc", "exp", "run"] or "…" in words:
            continue
        for settings in experiments(words):
            params = yaml.safe_load(text)
            for name, value in settings:
                section, _, key = name.partition(".")
                assert key in params[section], words
                params[section][key] = ADDED.get(str(value), value)
            Params.model_validate(params)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_other_command_has_its_target(page):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    for words in commands(page, "sh", "bash"):
        program, rest = Path(words[0]).name, words[1:]
        named = [word for word in rest if not word.startswith("-")]
        if program == "make":
            assert set(named) <= set(targets), words
        elif program == "dvc" and rest[0] == "repro":
            assert set(named[1:]) <= set(STAGES), words
        elif program == "python" and rest[:2] == ["-m", "gromega.pipeline"]:
            assert rest[2] in STAGES, words
        elif program in ("python", "pytest") and rest[0] != "-m":
            paths = named[:1] if program == "python" else named
            assert all((ROOT / ADDED.get(path, path)).exists() for path in paths), words


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_program_is_known_to_these_tests(page):
    for words in commands(page):
        assert Path(words[0]).name in {*OURS, *OTHERS}, words


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_script_is_shell(page):
    for block in blocks(page, "sh", "bash"):
        subprocess.run(["bash", "-n"], input=block, check=True, text=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder with the examples and the released model, as in a clone."""
    if not (ROOT / "models" / "spacegroup").is_dir():
        pytest.skip("needs models/spacegroup: git restore models")
    folder = tmp_path_factory.mktemp("clone")
    with chdir(folder):
        shutil.copytree(ROOT / "examples", "examples")
        shutil.copytree(ROOT / "metrics", "metrics")
        shutil.copytree(ROOT / "docs" / "results", "docs/results")
        Path("models").mkdir()
        for name in ("spacegroup", "library.parquet"):
            Path("models", name).symlink_to(ROOT / "models" / name)
            shutil.copy(ROOT / "models" / f"{name}.dvc", "models")
        for words in (["git", "init", "-q"], ["dvc", "init", "-q"]):
            subprocess.run(words, check=True)
        # a remote of one's own
        Path("lake").mkdir()
        Path(".dvc/config.local").write_text("['remote \"lake\"']\n    url = ../lake\n")
        Path("models/current").symlink_to("spacegroup")
        # the files that a reader has
        shutil.copy("examples/rutile-synchrotron.gr", "sample.gr")
        Path("series").mkdir()
        shutil.copy("examples/wurtzite-4nm.gr", "series")
    return folder


@pytest.fixture
def inside(clone, monkeypatch):
    monkeypatch.chdir(clone)
    # not for the rest of this process
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")


def run_line(line):
    """Run a command line of gromega in this process; return what it prints."""
    words = shlex.split(line)
    words, out = (words[:-2], words[-1]) if ">" in words else (words, None)
    given = []
    for word in words[1:]:
        given += sorted(map(str, Path().glob(word))) if "*" in word else [word]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, (line, result.output, result.exception)
    if out:
        Path(out).write_text(result.stdout, "utf-8")
    return result.stdout


LINES = dict.fromkeys(line for page in PAGES for line in lines(page) if runs(line))


@pytest.mark.parametrize("line", LINES)
def test_each_command_of_gromega_runs(line, inside):
    if "--structure-type" in line:
        card = json.loads(Path("models/spacegroup/card.json").read_text("utf-8"))
        if card["version"].startswith("v1.8"):
            pytest.skip("needs a model that is calibrated for known and new types")
    run_line(line)


@pytest.fixture
def jobqueue(monkeypatch):
    """A stand-in for dask-jobqueue, which needs SLURM; the reader presses return."""
    made = SimpleNamespace(scale=lambda jobs: None, scheduler_address="tcp://node1:1")
    module = SimpleNamespace(SLURMCluster=lambda **options: made)
    monkeypatch.setitem(sys.modules, "dask_jobqueue", module)
    monkeypatch.setattr("builtins.input", lambda prompt: "")


@pytest.mark.parametrize("page", WITH_PYTHON, ids=page_name)
def test_the_python_of_each_page_runs(page, inside, jobqueue, tmp_path, capsys):
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks(page, "python")), "utf-8")
    runpy.run_path(str(program))
    printed = capsys.readouterr().out
    # what the comments say of the output
    if page.name == "README.md":
        for said in re.findall(r"^print.*#\s+(.*)$", program.read_text("utf-8"), re.M):
            assert said in printed


def test_the_python_of_contributing_makes_a_network(monkeypatch, capsys):
    from gromega.networks import build
    from gromega.training import recipes

    guide = ROOT / "CONTRIBUTING.md"
    axis, module, entry, recipe, test = blocks(guide, "python")
    exec(axis, {})
    (said,) = re.findall(r"^print.*#\s+(.*)$", axis, re.M)
    assert said in capsys.readouterr().out
    made = {}
    exec(module, made)
    for name, network in eval(f"{{{entry}}}", made).items():
        monkeypatch.setitem(build.NETWORKS, name, network)
    for name, each in eval(f"{{{recipe}}}", {"Recipe": recipes.Recipe}).items():
        assert each.network["name"] in build.NETWORKS
        monkeypatch.setitem(recipes.RECIPES, name, each)
    exec(test, made)
    made["test_an_mlp_has_two_dense_layers"]()


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 700


def test_the_site_is_built_without_warnings(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "api" / "index.html").is_file()
