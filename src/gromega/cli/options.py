"""Command line options made from the fields of a dataclass."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer


def with_options(of: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command the options of a dataclass.

    The command has one parameter that is annotated with the dataclass. On the command
    line, an option for each field is in its place; the command gets the dataclass made
    from their values.

    Parameters
    ----------
    of
        The dataclass. The metadata of each field have a `gromega.conditions.Quantity`
        under ``"quantity"``, from which the help and the unit of the option are taken;
        the type and the default of the option are those of the field.
    """
    types = get_type_hints(of)
    options = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=each.default,
            annotation=Annotated[
                types[each.name],
                typer.Option(help=each.metadata["quantity"].help_with_unit),
            ],
        )
        for each in fields(of)
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        name = ""
        for parameter in signature.parameters.values():
            if parameter.annotation is of:
                name = parameter.name
                parameters += options
            else:
                kind = inspect.Parameter.KEYWORD_ONLY
                parameters.append(parameter.replace(kind=kind))

        @wraps(command)
        def run(**values: Any) -> None:
            given = {option.name: values.pop(option.name) for option in options}
            command(**values, **{name: of(**given)})

        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate
