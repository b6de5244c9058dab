"""Commands that evaluate: evaluate, results, report."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gromega.cli.app import app


@app.command(epilog="Example: gromega evaluate models/current --data ../real/data")
def evaluate(
    model: Annotated[Path, typer.Argument(help="The folder of a model.")],
    data: Annotated[
        Path,
        typer.Option(help="The data of a pipeline, as 'dvc repro' makes them."),
    ] = Path("data"),
) -> None:
    """Score a model on the test part of a pipeline's data, its own or another's."""
    from gromega.evaluation.score import score
    from gromega.lake.splits import read_part
    from gromega.lake.store import read_pdfs
    from gromega.model.io import load_model
    from gromega.networks.logits import classes
    from gromega.pipeline.parts import formulas_of

    ids, labels = read_part(data / "split.parquet", "test")
    loaded = load_model(model)
    y = classes(loaded.space_groups, labels)
    g = read_pdfs(data / "reference.zarr", ids)
    formulas = None
    if loaded.uses_compositions:
        formulas = formulas_of(ids, data / "crystals.parquet")
    alone, told = loaded.without_and_with_composition(g, formulas)
    typer.echo(json.dumps(score(alone, y, told)))


@app.command(epilog="Example: gromega results")
def results(
    metrics: Annotated[Path, typer.Argument(help="The folder of the metrics.")] = Path(
        "metrics"
    ),
) -> None:
    """Print the accuracies of the pipeline's last run beside the paper's."""
    from gromega._util.files import read_json
    from gromega.evaluation import paper
    from gromega.registry.card_markdown import accuracies
    from gromega.sweeps import AXES, BEYOND

    reference = read_json(metrics / "reference.json")
    training = read_json(metrics / "train.json")
    printer = Console(highlight=False)
    printer.print(
        f"{training['n_train']} training, {training['n_validation']} validation and "
        f"{reference['n']} test crystals"
    )
    printer.print(
        f"reference: top-1 {reference['top1']:.1%}, top-6 {reference['top6']:.1%} "
        f"(Lan et al., other crystals: {paper.PAPER_REFERENCE['top1']:.1%}, "
        f"{paper.PAPER_REFERENCE['top6']:.1%})"
    )
    told = reference.get("with_composition")
    if told:
        printer.print(
            f"the composition known: top-1 {told['top1']:.1%}, top-6 {told['top6']:.1%}"
        )
    for axis in (AXES | BEYOND).values():
        path = metrics / "sweeps" / f"{axis.name}.json"
        if not path.is_file():
            continue
        scores = read_json(path)
        unit = f" ({axis.unit})" if axis.unit else ""
        table = Table(title=f"{axis.name}{unit}", title_justify="left")
        theirs = paper.reported(axis)
        headings, cells = accuracies(scores)
        for heading in ("", *headings, *(("Lan top-1", "Lan top-6") * bool(theirs))):
            table.add_column(heading, justify="right")
        for key, row in cells.items():
            table.add_row(key, *row, *(f"{value:.1%}" for value in theirs.get(key, ())))
        printer.print(table)


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
    """Write the report on the pipeline's last run, metrics/report/index.html."""
    from gromega.params import read_params
    from gromega.pipeline.paths import REPORT
    from gromega.pipeline.report import report as make_report

    make_report(read_params(), compare or ())
    typer.echo(f"{REPORT}/index.html, and report.md beside it")
