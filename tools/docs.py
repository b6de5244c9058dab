"""Extensions of MkDocs: pages outside of docs, the tutorial, defaults of conditions."""

import json
import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parent.parent
_PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "experiments/log.md": "log.md",
}
"""The pages of the site by their files in the repository."""
_NOTEBOOK = "tutorial.ipynb"
_ITEM = re.compile(r"(?:-|\d\.) ")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that stand outside of docs, and the notebook as a page."""
    pages = {
        page: (_ROOT / file).read_text(encoding="utf-8")
        for file, page in _PAGES.items()
    }
    notebook = (_ROOT / "docs" / _NOTEBOOK).read_text(encoding="utf-8")
    pages["tutorial.md"] = _page_of(json.loads(notebook))
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def _page_of(notebook: dict[str, Any]) -> str:
    """Return a notebook with its outputs as Markdown."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        code = cell["cell_type"] == "code"
        parts.append(f"```python\n{source}\n```" if code else source)
        for output in cell.get("outputs", ()):
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "text/html" in data:
                parts.append(f"<div>{''.join(data['text/html'])}</div>")
            elif text := "".join(data["text/plain"]).strip():
                parts.append(f"```\n{text}\n```")
    return "\n\n".join(parts)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with links to pages of the site; source files are not linked."""
    for file, page in _PAGES.items():
        markdown = re.sub(rf"\]\((?:\.\./)?{file}", f"]({page}", markdown)
    markdown = re.sub(r"\[([^\]]+)\]\((?:\.\./)?src/[^)]+\)", r"\1", markdown)
    markdown = markdown.replace(f"({_NOTEBOOK})", "(tutorial.md)")
    return _indented(re.sub(r"\]\((?:\.\./)?docs/", "](", markdown))


def _indented(markdown: str) -> str:
    """Return a page with lists as Python-Markdown needs them.

    Their items are indented by 4, and a blank line is before those that follow another
    paragraph, table or list.
    """
    lines, width, in_code, loose = [], 0, False, False
    for line in markdown.split("\n"):
        item = None if in_code else _ITEM.match(line)
        if line.startswith("```"):
            in_code, width = not in_code, 0
        elif item:
            if width and loose:
                lines.append("")
            width, loose = item.end(), False
        elif line and line[0] != " ":
            width = 0
        loose = loose or not line
        inside = width and line.startswith(" " * width)
        lines.append(" " * (4 - width) + line if inside else line)
    return "\n".join(lines)


class ConditionDefaults(griffe.Extension):
    """Show the default of a condition, not the call that also gives its unit."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        value = attr.value
        if isinstance(value, griffe.ExprCall) and str(value.function) == "_condition":
            attr.value = value.arguments[0]
