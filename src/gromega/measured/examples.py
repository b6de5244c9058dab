"""Simulated PDFs to try predictions with; they are part of the package."""

from importlib import resources

EXAMPLES = {
    entry.name: entry.read_text("utf-8")
    for entry in sorted(
        (resources.files("gromega") / "examples").iterdir(),
        key=lambda entry: entry.name,
    )
}
"""The text of each file, by its name."""
