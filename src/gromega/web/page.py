"""The page: its HTML, style, script and form in one document."""

import hashlib
from base64 import b64encode
from html import escape
from importlib import resources

from pydantic.fields import FieldInfo

from gromega.web.options import RequestOptions, bounds_of, choices_of, is_number

SCRIPTS = ("plots.js", "view.js", "save.js", "page.js")
"""The parts of the script, in order: page.js starts it."""
# The file has its own name; the script asks for these two by itself.
_NOT_IN_FORM = ("name", "reliability", "explain")
_CHOICES = {"xray": "x-rays", "neutron": "neutrons", 0.9: "90 %", 0.95: "95 %"}
"""The text of a choice, where it is not the value itself."""


def render_page() -> str:
    """Return the page as one document that loads nothing else."""
    parts = {
        "{{ style }}": _read("page.css"),
        "{{ fields }}": "\n".join(
            form_field(name, field)
            for name, field in RequestOptions.model_fields.items()
            if name not in _NOT_IN_FORM
        ),
        "{{ script }}": "".join(map(_read, SCRIPTS)),
    }
    page = _read("page.html")
    for place, text in parts.items():
        page = page.replace(place, text)
    return page


def form_field(name: str, field: FieldInfo) -> str:
    """Return the labelled input of an option, with its unit, bounds and description."""
    choices = choices_of(field)
    if choices:
        values = [] if field.default is not None else [("", "as in the file")]
        values += [(str(value), _CHOICES.get(value, str(value))) for value in choices]
        inside = "".join(
            f'<option value="{escape(value)}">{escape(text)}</option>'
            for value, text in values
        )
        control = f'<select name="{name}">{inside}</select>'
    else:
        bounds = "".join(f' {k}="{v:g}"' for k, v in bounds_of(field).items())
        kind = 'type="number" step="any"' if is_number(field) else 'type="text"'
        # No file states a number density.
        empty = "unknown" if name == "number_density" else "as in the file"
        control = f'<input {kind}{bounds} name="{name}" placeholder="{empty}">'
    label, text = escape(field.title or name), escape(field.description or "")
    return f'<label title="{text}"><span>{label}</span>{control}</label>'


def _read(name: str) -> str:
    return resources.files("gromega.web").joinpath(name).read_text("utf-8")


def _hash(tag: str) -> str:
    """Return the source of a Content-Security-Policy that allows one element."""
    inside = PAGE.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    digest = hashlib.sha256(inside.encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


PAGE = render_page()
STYLE_HASH, SCRIPT_HASH = _hash("style"), _hash("script")
"""What the policy allows: the style and the script of the page, and no other."""
