"""README, CONTRIBUTING and docs: their blocks of code and their commands."""

import re
import shlex
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def page_name(page):
    return page.name


def blocks(page, *languages):
    """Return the blocks of code of a page, also those in lists."""
    found = BLOCK.findall(page.read_text("utf-8"))
    return [dedent(text) for _, language, text in found if language in languages]


def lines(page, *languages):
    """Return the command lines of a page, without comments; `a && b` are two."""
    found = []
    for block in blocks(page, *(languages or ("sh",))):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            found += " ".join(map(quoted, words)).split(" && ")
    return [line for line in found if line]


def quoted(word):
    """Return a word as in a command line; patterns of files and `>` stay bare."""
    return word if re.fullmatch(r"[\w./*-]+|>|&&", word) else shlex.quote(word)


def commands(page, *languages):
    """Return the words of each command of a page, without comments and variables.

    The words `srun` and `exec` before a command of a batch script are left out.
    """
    found = []
    for line in lines(page, *languages):
        words = shlex.split(line)
        while words and re.match(r"[A-Z_]+=|srun$|exec$", words[0]):
            words = words[1:]
        found += [words] if words else []
    return found
