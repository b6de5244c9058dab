"""The commands and the Python of docs that need the files of a pipeline."""

import runpy
import shlex
import shutil

import pytest
from documents import PAGES, blocks, lines
from typer.testing import CliRunner

from gromega.cli.main import app

WITH_PYTHON = ("formats.md", "own-model.md")
# Those of a git revision: tests/evaluation/test_compare.py.
LINES = [
    line
    for page in PAGES
    for line in dict.fromkeys(lines(page))
    if line.startswith(("gromega evaluate", "gromega report"))
    and not line.endswith("--compare main")
]


@pytest.mark.parametrize("name", WITH_PYTHON)
def test_the_python_of_a_page_runs(name, inside, tmp_path, capsys):
    (page,) = (page for page in PAGES if page.name == name)
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks(page, "python")), "utf-8")
    runpy.run_path(str(program))
    assert capsys.readouterr().out


@pytest.fixture
def copies(project, tmp_path, monkeypatch):
    """Two copies of the project side by side; the current folder is one of them."""
    shutil.copytree(project, tmp_path / "run")
    (tmp_path / "other").symlink_to(project)
    monkeypatch.chdir(tmp_path / "run")


@pytest.mark.parametrize("line", LINES)
def test_each_command_on_a_pipeline_runs(line, copies):
    result = CliRunner().invoke(app, shlex.split(line)[1:])
    assert result.exit_code == 0, (result.output, result.exception)
    assert result.stdout
