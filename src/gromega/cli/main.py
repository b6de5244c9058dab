"""The entry point of the command line."""

from gromega._util.progress import run_or_explain
from gromega.cli import check, crystals, evaluate, fetch, models, predict
from gromega.cli.app import app

# Each module adds its commands to the application when it is imported.
__all__ = ["app", "check", "crystals", "evaluate", "main", "predict"]

app.add_typer(fetch.app, name="fetch")
app.add_typer(models.app, name="models")


def main() -> None:
    """Run the command line."""
    run_or_explain(app)
