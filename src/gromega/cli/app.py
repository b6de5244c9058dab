"""The command line: the application that the commands belong to."""

import importlib.metadata
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Space groups from atomic pair distribution functions, and how far to "
    "trust them.",
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(importlib.metadata.version("gromega"))
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass
