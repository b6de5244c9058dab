"""Command line options made from the fields of a dataclass."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer


def with_options(of: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command the options of a dataclass.

    On the command line, an option for each field stands in place of the parameter that
    is annotated with the dataclass. Its help and unit are those of the
    `gromega.conditions.Quantity` under ``"quantity"`` in the metadata of the field.
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
        for each in signature.parameters.values():
            if each.annotation is of:
                name = each.name
                parameters += options
            else:
                parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))

        @wraps(command)
        def run(**values: Any) -> None:
            given = {option.name: values.pop(option.name) for option in options}
            command(**values, **{name: of(**given)})

        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate
