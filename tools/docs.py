"""Extensions of MkDocs: pages and links outside of docs, defaults of conditions."""

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


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that stand outside of docs."""
    for file, page in _PAGES.items():
        text = (_ROOT / file).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with links to pages of the site; source files are not linked."""
    for file, page in _PAGES.items():
        markdown = re.sub(rf"\]\((?:\.\./)?{file}", f"]({page}", markdown)
    markdown = re.sub(r"\[([^\]]+)\]\((?:\.\./)?src/[^)]+\)", r"\1", markdown)
    return re.sub(r"\]\((?:\.\./)?docs/", "](", markdown)


class ConditionDefaults(griffe.Extension):
    """Show the default of a condition, not the call that also gives its unit."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        value = attr.value
        if isinstance(value, griffe.ExprCall) and str(value.function) == "_condition":
            attr.value = value.arguments[0]
