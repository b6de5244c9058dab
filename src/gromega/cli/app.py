"""The application that all commands are added to."""

import importlib.metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

COMMANDS = (
    "predict", "serve", "examples", "simulate", "ingest", "fetch", "synthesize",
    "results", "report", "evaluate", "models", "reproduce", "verify", "doctor",
)  # fmt: skip
"""The commands in the order of the help: for PDFs, crystals, accuracy, checks."""


class Group(TyperGroup):
    """Commands in order, with flags that show no type in the help."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands: of the application, those of `COMMANDS`."""
        names = super().list_commands(ctx)
        return names if ctx.parent else sorted(names, key=[*COMMANDS, *names].index)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options of the group."""
        return _without_bool(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command of the group, or None."""
        command = super().get_command(ctx, cmd_name)
        if command:
            _without_bool(command.get_params(ctx))
        return command


def _without_bool(params: list[Any]) -> list[Any]:
    for each in params:
        if getattr(each, "is_flag", False):
            each.metavar = ""
    return params


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Predict the space group of a material from its measured atomic pair "
    "distribution function (PDF), with an estimate of the reliability.",
)


@app.callback(invoke_without_command=True)
def _start(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.")
    ] = False,
) -> None:
    if version:
        typer.echo(importlib.metadata.version("gromega"))
        raise typer.Exit
