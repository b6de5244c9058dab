"""The command line of released models: list, show, verify, release."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    no_args_is_help=True, help="Released models: list, show, verify, release."
)
Name = Annotated[str, typer.Argument(help="The name of the model.")]


@app.command("list", epilog="Example: gromega models list")
def list_models() -> None:
    """List the released models, and those that can be pulled."""
    from gromega.registry.registry import list_models as listed_models

    found = listed_models()
    if not found:
        typer.echo("no released models; make one with 'gromega models release'")
        return
    table = Table()
    for heading in ("name", "version", "recipe"):
        table.add_column(heading)
    for heading in ("groups", "top-1", "top-6", "MB"):
        table.add_column(heading, justify="right")
    for model in found:
        if model.card:
            score = model.card["metrics"]["reference"]
            table.add_row(
                model.name,
                model.card["version"],
                model.card["training"]["recipe"],
                str(len(model.card["space_groups"])),
                f"{score['top1']:.1%}",
                f"{score['top6']:.1%}",
                f"{model.size / 1e6:.1f}",
            )
    if table.row_count:
        Console(highlight=False).print(table)
    for model in found:
        if model.note:
            typer.echo(f"{model.name}: {model.note}")


@app.command(epilog="Example: gromega models show spacegroup")
def show(name: Name) -> None:
    """Print the card of a released model."""
    from gromega.registry.registry import find_model

    typer.echo((find_model(name) / "CARD.md").read_text("utf-8"), nl=False)


@app.command("verify", epilog="Example: gromega models verify spacegroup")
def verify_model(
    name: Name,
) -> None:
    """Check card, files and network of a released model."""
    from gromega.registry.registry import verify

    card = verify(name)
    groups = len(card["space_groups"])
    typer.echo(f"{name} {card['version']}: whole, {groups} space groups")


@app.command(
    epilog="Example: gromega models release spacegroup --version v1.0.0 "
    "--hardware '1 NVIDIA H100' --hours 1.5"
)
def release(
    name: Name,
    version: Annotated[str, typer.Option(help="The version, such as v1.0.0.")],
    hardware: Annotated[
        str | None, typer.Option(help="The hardware that it was trained on, in words.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="The wall time of its training, hours.")
    ] = None,
    trained: Annotated[
        Path, typer.Option("--from", help="The folder of the trained model.")
    ] = Path("models/current"),
    data: Annotated[
        Path,
        typer.Option(
            help="The folder of crystals.parquet and split.parquet, which it learned "
            "from, and of its answers to the test part."
        ),
    ] = Path("data"),
    source: Annotated[
        Path | None,
        typer.Option(
            help="What the crystals were made from; crystals.source of params.yaml if "
            "none."
        ),
    ] = None,
    about: Annotated[
        Path | None,
        typer.Option(
            help="What a source of your own is (.yaml), with the keys name, version, "
            "origin, licence and citation."
        ),
    ] = None,
) -> None:
    """Make a released model, with its card, of the one that was trained last."""
    from gromega.params import read_params
    from gromega.registry.release import Statement
    from gromega.registry.release import release as release_model

    stated = Statement(name, version, hardware, hours)
    source = source or Path(read_params().crystals.source)
    path = release_model(stated, trained, data, source, about)
    typer.echo(f"{path}: {version}; keep it with 'dvc add {path}'")
