"""Commands on released models: list, show, verify, pull, release, reproduce."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from gromega.cli.app import Group
from gromega.cli.app import app as commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gromega.registry.reproduce import Row

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="List, show, verify, pull and release trained models.",
)
_ROW = "{:44} {:6} {:>9} {:>9} {:>9}"
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


@app.command(epilog="Example: gromega models pull --from https://host/gromega.git")
def pull(
    model: Annotated[
        str,
        typer.Argument(
            metavar="[NAME[@VERSION]]", help="The name of the model, and its version."
        ),
    ] = "spacegroup",
    address: Annotated[
        str,
        typer.Option(
            "--from",
            help="The address of a git repository, of a web server with the files "
            "of the project, or a folder; {version} in it stands for the version. By "
            "default that of the environment variable GROMEGA_REGISTRY.",
        ),
    ] = "",
) -> None:
    """Copy a released model to your cache, where every command finds it."""
    from gromega.model.io import locate_model
    from gromega.registry.pull import pull_model

    name, _, version = model.partition("@")
    path = pull_model(name, address, version)
    typer.echo(f"pulled {name} to {path}")
    if (first := locate_model(name)) != path:
        typer.echo(f"{first} comes before it; use --model {path} for this one")


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


@commands.command(
    epilog="Example: gromega reproduce spacegroup --source crystals.parquet"
)
def reproduce(
    name: Name = "spacegroup",
    source: Annotated[
        Path | None,
        typer.Option(
            help="The source of its crystals: a table, a folder, an archive or a "
            "recipe. By default, the test crystals that the model carries.",
        ),
    ] = None,
) -> None:
    """Compute the scores of a released model again, and compare them with its card.

    The exit status is 1 if one differs by more than rounding.
    """
    from gromega.model.io import locate_model

    path = locate_model(name)
    output = Console(highlight=False, soft_wrap=True)
    output.print(_ROW.format("conditions", "score", "card", "now", "allowed"))
    different = total = 0
    for row in _rows(path, source):
        numbers = [f"{x:.6g}" for x in (row.stated, row.found, row.allowed)]
        style = "bold red" if row.differs else None
        output.print(_ROW.format(row.where, row.score, *numbers), style=style)
        different, total = different + row.differs, total + 1
    typer.echo(f"{name}: {total - different} of {total} scores are those of the card")
    if different:
        raise typer.Exit(1)


def _rows(path: Path, source: Path | None) -> "Iterator[Row]":
    from gromega._util.parallel import open_pool
    from gromega._util.progress import console
    from gromega.pipeline.gather import gather
    from gromega.registry.reproduce import reproduce_from_carried, reproduce_from_source

    if source is None:
        yield from reproduce_from_carried(path)
        return
    with TemporaryDirectory() as folder, open_pool() as pool:
        work = Path(folder)
        table, _ = gather(source, work / "gathered.parquet", work / "refused.csv")
        yield from reproduce_from_source(path, table, work, pool, console.print)
