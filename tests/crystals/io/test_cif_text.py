"""The text of CIF files: encodings, spellings, and blocks with errors."""

import pytest
from files import cif

from gromega.crystals.io.cif import read_block
from gromega.crystals.io.cif_text import BadBlock, structure_blocks
from gromega.crystals.refusal import Reason, RefusedError


def crystal_of(text, encoding="utf-8"):
    (block,) = structure_blocks(text.encode(encoding))
    return read_block(block).crystal


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # minus signs of word processors
        ("0.5 0.5 0.5", "\u22120.5 0.5 0.5"),
        # the names of DDLm
        ("_atom_site_", "_atom_site."),
        ("_cell_", "_cell."),
        # a name with a blank, lines of a Macintosh
        ("data_halite", "data_rock salt"),
        ("\n", "\r"),
        ("data_halite", "DATA_halite"),
    ],
)
def test_a_spelling_is_read(old, new):
    assert crystal_of(cif().replace(old, new)).formula == "ClNa"
    assert len(crystal_of(cif().replace(old, new)).numbers) == 8


def test_blanks_of_a_name_become_underscores():
    (block,) = structure_blocks(cif(name="rock salt").encode())
    assert block.name == "rock_salt"


def test_utf_16_is_read():
    assert crystal_of(cif(), "utf-16").formula == "ClNa"


def test_a_bad_block_is_named_and_its_neighbours_are_read():
    bad = "data_bad\nloop_\n_x_a\n_x_b\n1 2 3\n"
    first, second, third = structure_blocks((cif("one") + bad + cif("two")).encode())
    assert (first.name, third.name) == ("one", "two")
    assert isinstance(second, BadBlock)
    assert second.name == "bad"
    with pytest.raises(RefusedError) as error:
        read_block(second)
    assert error.value.reason is Reason.UNREADABLE


def test_a_file_without_a_block_is_refused():
    with pytest.raises(RefusedError) as error:
        structure_blocks(b"dear reader\n")
    assert error.value.reason is Reason.UNREADABLE
