"""Commands on the accuracy of a model: evaluate, results, report."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from gromega.cli.app import app


@app.command(epilog="Example: gromega evaluate models/current --data ../other/data")
def evaluate(
    model: Annotated[Path, typer.Argument(help="The folder of a model.")],
    data: Annotated[
        Path,
        typer.Option(
            help="The data folder of a pipeline, made by 'dvc repro' or 'dvc exp run'."
        ),
    ] = Path("data"),
) -> None:
    """Print the accuracies of a model on the test crystals of a pipeline, as JSON.

    The model may come from another pipeline, such as the released model.
    """
    from gromega.evaluation.score import flat, score_model
    from gromega.model.io import load_model

    typer.echo(json.dumps(flat(score_model(load_model(model), data))))


@app.command(epilog="Example: gromega results")
def results(
    metrics: Annotated[
        Path, typer.Argument(help="The metrics folder of a run.")
    ] = Path("metrics"),
) -> None:
    """Print the accuracies of the last run and of the released model.

    Those of the paper (Lan et al.) are beside them.
    """
    from gromega.evaluation.results import results as accuracies

    console = Console(highlight=False)
    for block in accuracies(metrics):
        if isinstance(block, str):
            console.print(block)
            continue
        # The narrowest columns that break no word: seven of them fit on 80 characters.
        columns = (
            Column(heading, justify="right", width=max(7, *map(len, heading.split())))
            for heading in block.head
        )
        table = Table(*columns, title=block.caption, title_justify="left")
        for row in block.rows:
            table.add_row(*row)
        console.print(table)


@app.command(epilog="Example: gromega report --compare main~1")
def report(
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="Another run to compare with: a git revision, or the folder of "
            "another pipeline. May be given several times."
        ),
    ] = None,
) -> None:
    """Write the report on the last run to metrics/report."""
    from gromega.params import read_params
    from gromega.pipeline.paths import REPORT
    from gromega.pipeline.report import report as make_report

    make_report(read_params(), compare or ())
    typer.echo(f"wrote {REPORT}/index.html and {REPORT}/report.md")
