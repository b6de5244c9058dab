"""The tutorial notebook runs, from its first cell to its last."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from gromega.model.io import save_model
from gromega.model.library_io import write_library

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"


def test_the_tutorial_runs_and_shows_a_prediction(model, library, tmp_path):
    (tmp_path / "docs").mkdir()
    save_model(tmp_path / "models" / "spacegroup", model)
    write_library(tmp_path / "models" / "library.parquet", library)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
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
    assert printed.count("top-1") == 4
