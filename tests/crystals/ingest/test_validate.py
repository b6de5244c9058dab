"""Examination of one crystal: its labels, or the reason of its refusal."""

import json

import numpy as np
import pytest
from files import HOSTILE, cif

from gromega.crystals.crystal import Crystal
from gromega.crystals.ingest.validate import IngestOptions, examine, split_blocks
from gromega.crystals.io.source import kind_of
from gromega.crystals.refusal import RefusedError


def examined(kind, content, **options):
    """Return the records of a file, or its refusal as a whole."""
    try:
        parts = split_blocks(kind, content)
    except RefusedError as error:
        return [{"reason": error.reason.value}]
    return [examine(part, IngestOptions(**options)) for part in parts]


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_files_have_their_reason(name):
    content, reason = HOSTILE[name]
    content = content if isinstance(content, bytes) else content.encode()
    (record,) = examined(kind_of(name), content, inorganic=True)
    assert record["reason"] == reason.value, record


def test_a_row_of_a_table_is_examined_as_a_file_is():
    row = {
        "id": "mp-22862",
        "space_group": 225,
        "observed": False,
        "lattice": [0, 2.82, 2.82, 2.82, 0, 2.82, 2.82, 2.82, 0],
        "numbers": [11, 17],
        "frac": [0, 0, 0, 0.5, 0.5, 0.5],
        "occupancy": [1.0, 1.0],
    }
    (record,) = examined("row", json.dumps(row).encode())
    assert (record["id"], record["observed"]) == ("mp-22862", False)
    assert record["structure_type"] == "AB_225_a_b"
    for change, reason in (
        ({"space_group": 216}, "label disagrees with the file"),
        ({"numbers": [11, 0]}, "unreadable"),
        ({"numbers": [11] * 2000}, "too many atoms"),
    ):
        (record,) = examined("row", json.dumps({**row, **change}).encode())
        assert record["reason"] == reason


def test_files_of_no_structure_are_refused_whole():
    with pytest.raises(RefusedError, match="no atoms"):
        split_blocks("cif", b"data_global\n_publ_section_title 'x'\n")


def test_organics_are_accepted_by_default():
    atoms = "C1 C 0 0 0 1\nH1 H 0.2 0.1 0 1\nO1 O 0.5 0.4 0.3 1"
    content = cif(group="P 1", atoms=atoms).encode()
    (part,) = split_blocks("cif", content)
    assert examine(part, IngestOptions())["formula"] == "CHO"
    assert (
        examine(part, IngestOptions(inorganic=True))["reason"]
        == "hydrogen-rich organic"
    )


def test_crystals_are_stored_in_a_primitive_cell():
    (part,) = split_blocks("cif", cif().encode())
    record = examine(part, IngestOptions())
    crystal = Crystal(
        "x",
        np.reshape(record["lattice"], (3, 3)),
        record["numbers"],
        np.reshape(record["frac"], (-1, 3)),
        record["occupancy"],
    )
    assert crystal.numbers.size == 2
    assert crystal.volume == pytest.approx(5.64**3 / 4)
    assert crystal.formula == "ClNa"
