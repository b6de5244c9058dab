"""Jinja2 templates that are part of the package."""

from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from gromega._util.formatting import in_percent, markdown_table, percent


def render_template(room: str, name: str, **content: Any) -> str:
    """Return a template filled with content.

    The template is the file `name` of the package `room`. Templates for HTML,
    ``*.html.j2``, escape their content; others do not. All have the filters
    ``in_percent`` and ``percent`` and the function ``markdown_table``. A variable that
    is not given raises jinja2.UndefinedError.
    """
    environment = Environment(
        loader=FunctionLoader(lambda n: (resources.files(room) / n).read_text("utf-8")),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"in_percent": in_percent, "percent": percent}
    environment.globals["markdown_table"] = markdown_table
    return environment.get_template(name).render(content)
