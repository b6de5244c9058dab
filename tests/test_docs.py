"""The commands and the Python of README and docs hold for the code."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from gromega.cli.main import app
from gromega.params import Params

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Python that is run here: the pages that need no data but the examples and the model.
RUN = ("README.md", "index.md")


def blocks(page, *languages):
    found = BLOCK.findall(page.read_text("utf-8"))
    return [text for language, text in found if language in languages]


def commands(page):
    """Yield the words of each command line of a page, without comments."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            for part in " ".join(shlex.quote(word) for word in words).split(" '&&' "):
                yield shlex.split(part)


def page_name(page):
    return page.name


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


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_experiment_sets_parameters_that_exist(page):
    text = (ROOT / "params.yaml").read_text("utf-8")
    for words in commands(page):
        if words[:3] != ["dvc", "exp", "run"] or "--queue" in words:
            continue
        params = yaml.safe_load(text)
        for flag, setting in pairwise(words):
            if flag == "-S":
                name, _, value = setting.partition("=")
                section, _, key = name.partition(".")
                assert key in params[section], words
                params[section][key] = yaml.safe_load(value)
        Params.model_validate(params)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_python_block_is_python(page):
    for block in blocks(page, "python"):
        ast.parse(block)


@pytest.mark.parametrize("name", RUN)
def test_the_python_of_the_first_pages_runs(name, tmp_path):
    if not (ROOT / "models" / "spacegroup").is_dir():
        pytest.skip("needs models/spacegroup: git restore models")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "models").symlink_to(ROOT / "models")
    (page,) = (page for page in PAGES if page.name == name)
    program = "\n".join(blocks(page, "python"))
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    # what the comments say of the output
    for said in re.findall(r"^print.*#\s+(.*)$", program, re.MULTILINE):
        assert said in result.stdout


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
