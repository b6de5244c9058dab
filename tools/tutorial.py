"""Run docs/tutorial.ipynb, and store its outputs in it.

Needs models/spacegroup and models/library.parquet:
python tools/tutorial.py
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"


def main() -> None:
    """Run all cells, without time stamps, and write the notebook."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    metadata = dict(notebook.metadata)
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(
        notebook, timeout=600, resources=resources, record_timing=False,
        coalesce_streams=True,
    ).execute()  # fmt: skip
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            # Beside the HTML of a prediction, its text would repeat all numbers.
            if "text/html" in output.get("data", {}):
                output.data.pop("text/plain")
    # that of the kernel has the version of Python
    notebook.metadata = nbformat.from_dict(metadata)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
