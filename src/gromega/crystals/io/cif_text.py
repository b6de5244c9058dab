"""The text of a CIF file: its encoding, its spelling, and its blocks."""

import re
from itertools import pairwise
from typing import NamedTuple

import gemmi

from gromega.crystals.refusal import Reason, RefusedError

_BLOCK = re.compile(r"^data_", re.I | re.M)
# A name with blanks. A tag, a loop or a comment may follow a name on its line.
_SPLIT_NAME = re.compile(r"^(data_\S+)([ \t]+(?!_|loop_|save_|#)\S.*)$", re.I | re.M)
# The names of DDLm, magnetic CIF files included.
_DOTTED = re.compile(
    r"^([ \t]*_(?:atom|cell|chemical|space_group|symmetry)\w*)\.", re.M
)
# Minus signs and blanks of word processors.
_TYPED = str.maketrans({"−": "-", "–": "-", "‐": "-", "\xa0": " "})
_ATOM_TAGS = ("_atom_site_label", "_atom_site_fract_x")


class BadBlock(NamedTuple):
    """A block that is no CIF, with the reason."""

    name: str
    detail: str


def structure_blocks(content: bytes) -> list[gemmi.cif.Block | BadBlock]:
    """Return the blocks of a CIF file that describe a structure, one or more.

    A block with an error of syntax is a `BadBlock`. Raise RefusedError if the content
    is not a CIF file, or no block has a cell or atoms.
    """
    # gemmi reads nothing from a file whose lines end with a carriage return alone.
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n")
    text = _DOTTED.sub(r"\1_", text.translate(_TYPED))
    blocks: list[gemmi.cif.Block | BadBlock] = []
    try:
        blocks += gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        blocks = _rescued(text)
        if all(isinstance(block, BadBlock) for block in blocks) and len(blocks) < 2:
            detail = f"not a CIF file ({error})"
            raise RefusedError(Reason.UNREADABLE, detail) from None
    found = [x for x in blocks if isinstance(x, BadBlock) or _is_structure(x)]
    if not found:
        raise RefusedError(Reason.NO_ATOMS, "not a CIF of a structure")
    return found


def _rescued(text: str) -> list[gemmi.cif.Block | BadBlock]:
    """Return the blocks of a text with errors, each read on its own."""
    text = _SPLIT_NAME.sub(lambda m: m[1] + "_".join(["", *m[2].split()]), text)
    starts = [match.start() for match in _BLOCK.finditer(text)]
    found: list[gemmi.cif.Block | BadBlock] = []
    for start, end in pairwise([*starts, len(text)]):
        part = text[start:end]
        # Empty lines keep the number of the line in the message.
        lines = "\n" * text.count("\n", 0, start)
        try:
            found += gemmi.cif.read_string(lines + part)
        except (ValueError, RuntimeError) as error:
            name = part.split(maxsplit=1)[0][5:]
            found.append(BadBlock(name, f"not a CIF block ({error})"))
    return found


def _decode(content: bytes) -> str:
    """Decode UTF-8, UTF-16 with a byte order mark, or Latin-1 of old programs."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            raise RefusedError(Reason.UNREADABLE, "broken UTF-16") from None
    if b"\x00" in content:
        raise RefusedError(Reason.UNREADABLE, "not a text file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def has_atoms(block: gemmi.cif.Block | BadBlock) -> bool:
    """Return whether a block has atoms, or may have them."""
    if isinstance(block, BadBlock):
        return True
    return any(list(block.find_values(tag)) for tag in _ATOM_TAGS)


def _is_structure(block: gemmi.cif.Block) -> bool:
    return any(
        block.find_loop(tag) or block.find_value(tag)
        for tag in (*_ATOM_TAGS, "_cell_length_a")
    )
