"""The tutorial notebook runs, from its first cell to its last, and has its outputs."""

import json
import re
import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from gromega.model.io import save_model
from gromega.model.library_io import write_library

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"


def kinds(cell):
    """Return the kinds of the outputs of a cell: streams, and types of data."""
    outputs = cell.get("outputs", ())
    return {
        name
        for output in outputs
        for name in output.get("data", {output["output_type"]: ""})
    }


def test_the_tutorial_runs_and_shows_a_prediction(model, library, tmp_path):
    (tmp_path / "docs").mkdir()
    save_model(tmp_path / "models" / "spacegroup", model)
    write_library(tmp_path / "models" / "library.parquet", library)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = [kinds(cell) for cell in notebook.cells]
    resources = {"metadata": {"path": str(tmp_path / "docs")}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [
        output.data["text/html"]
        for cell in code
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    assert len(shown) == 1
    assert "<table>" in shown[0] and "<svg" in shown[0]
    printed = "".join(o.get("text", "") for cell in code for o in cell.outputs)
    assert printed.count("top-1") == 3
    # tools/tutorial.py leaves out the text beside HTML
    found = [kinds(cell) for cell in notebook.cells]
    html = {"text/html", "text/plain"}
    assert [{"text/html"} if each == html else each for each in found] == stored


def test_the_stored_outputs_have_no_date_and_no_path_and_end_on_a_verdict():
    text = NOTEBOOK.read_text("utf-8")
    assert not re.search(
        r"/(home|root|tmp|work|Users)/|\b20\d\d-\d\d-\d\d|T\d\d:\d\d", text
    )
    cells = json.loads(text)["cells"]
    ran = [c for c in cells if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in ran] == list(range(1, len(ran) + 1))
    last = "".join(ran[-1]["outputs"][0]["text"])
    assert re.match("(Likely|Possibly|Undecided).*reliability.*: high", last)
