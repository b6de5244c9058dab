"""Commands on released models: list, show, verify, release."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from gromega.cli.app import Group

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="List, show, verify and release trained models.",
)
Name = Annotated[str, typer.Argument(help="The name of a released model.")]


@app.command("list", epilog="Example: gromega models list")
def list_models() -> None:
    """List the released models, with those that are not yet pulled."""
    from gromega._util.formatting import in_percent
    from gromega.registry.registry import list_models as list_entries

    entries = list_entries()
    if not entries:
        typer.echo("no released models; make one with 'gromega models release'")
        return
    numbers = ("groups", "top-1 (%)", "top-6 (%)", "MB")
    columns = [Column(heading, justify="right") for heading in numbers]
    table = Table("name", "version", "recipe", *columns)
    for entry in entries:
        if entry.card:
            score = entry.card["metrics"]["reference"]
            table.add_row(
                entry.name,
                entry.card["version"],
                entry.card["training"]["recipe"],
                str(len(entry.card["space_groups"])),
                in_percent(score["top1"]),
                in_percent(score["top6"]),
                f"{entry.size / 1e6:.1f}",
            )
    if table.row_count:
        Console(highlight=False).print(table)
    for entry in entries:
        if entry.note:
            typer.echo(f"{entry.name}: {entry.note}")


@app.command(epilog="Example: gromega models show spacegroup")
def show(name: Name) -> None:
    """Print the card of a released model."""
    from gromega.registry.card import read_card, render
    from gromega.registry.registry import find_model

    typer.echo(render(read_card(find_model(name))), nl=False)


@app.command("verify", epilog="Example: gromega models verify spacegroup")
def verify_model(name: Name) -> None:
    """Check the card, the files and the network of a released model."""
    from gromega.registry.registry import verify

    card = verify(name)
    groups = len(card["space_groups"])
    typer.echo(f"{name} {card['version']}: intact, {groups} space groups")


@app.command(
    epilog="Example: gromega models release spacegroup --version v1.0.0 "
    "--hardware '1 NVIDIA H100' --hours 1.5"
)
def release(
    name: Name,
    version: Annotated[str, typer.Option(help="The version, such as v1.0.0.")],
    hardware: Annotated[
        str | None, typer.Option(help="The hardware of the training, in words.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="The wall time of the training, in hours.")
    ] = None,
    trained: Annotated[
        Path, typer.Option("--from", help="The folder of the trained model.")
    ] = Path("models/current"),
    data: Annotated[
        Path,
        typer.Option(
            help="The data folder of the pipeline that trained the model, with its "
            "predictions for the test part."
        ),
    ] = Path("data"),
    source: Annotated[
        Path | None,
        typer.Option(
            help="The source of the crystals, by default crystals.source of "
            "params.yaml."
        ),
    ] = None,
    about: Annotated[
        Path | None,
        typer.Option(
            help="A description of your own source (.yaml), with the keys name, "
            "version, origin, licence and citation."
        ),
    ] = None,
) -> None:
    """Release a trained model: copy it to models/NAME, with its card."""
    from gromega.params import read_params
    from gromega.registry import release as releases

    info = releases.ReleaseInfo(name, version, hardware, hours)
    source = source or Path(read_params().crystals.source)
    path = releases.release(info, trained, data, source, about)
    typer.echo(f"released {version} to {path}; track it with 'dvc add {path}'")
