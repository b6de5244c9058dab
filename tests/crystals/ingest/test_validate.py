"""Examining, in this process: what a sandbox does within its child."""

import io
import json

import numpy as np
import pytest
from files import HOSTILE, POSCAR, cif

from gromega.crystals.crystal import Crystal
from gromega.crystals.ingest.validate import IngestOptions, examine, split_blocks
from gromega.crystals.ingest.worker import DONE, READY, serve
from gromega.crystals.io.archives import kind_of
from gromega.crystals.io.poscar import read_poscar
from gromega.crystals.refusal import RefusedError


def examined(kind, content, **options):
    """Return the records of a file, as the child makes them."""
    task = {"kind": kind, "options": options, "skip": 0, "size": len(content)}
    answers = io.BytesIO()
    serve(io.BytesIO(json.dumps(task).encode() + b"\n" + content), answers)
    first, *lines, last = answers.getvalue().splitlines(keepends=True)
    assert (first, last) == (READY, DONE)
    records = [json.loads(line) for line in lines]
    return [record for record in records if "blocks" not in record]


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


@pytest.mark.parametrize(
    "content",
    [
        # a factor, minus a volume, three factors
        POSCAR.replace("1.0\n", "2.0\n").replace("2.82", "1.41"),
        POSCAR.replace("1.0\n", f"-{2 * 2.82**3}\n").replace("2.82", "5"),
        POSCAR.replace("1.0\n", "2.0 2.0 2.0\n").replace("2.82", "1.41"),
        # Cartesian positions, scaled as the cell is
        POSCAR.replace("1.0\n", "2.0\n")
        .replace("2.82", "1.41")
        .replace("Direct", "Cartesian")
        .replace("0.5 0.5 0.5", "1.41 1.41 1.41"),
        # comments behind
        POSCAR.replace("1.0\n", "1.0 ! scale\n").replace("Na Cl", "Na Cl ! elements"),
        # selective dynamics, names of potentials, velocities below
        POSCAR.replace("Direct", "Selective dynamics\nDirect")
        .replace("0 0 0", "0 0 0 T T F")
        .replace("Na Cl", "Na_pv Cl/a1b2")
        + "\n0 0 0\n0 0 0\n",
    ],
)
def test_poscar_files_of_rock_salt(content):
    crystal = read_poscar(content.encode())
    assert crystal.numbers.tolist() == [11, 17]
    assert crystal.volume == pytest.approx(2 * 2.82**3)
    step = (crystal.frac[1] - crystal.frac[0]) % 1.0
    np.testing.assert_allclose(step, 0.5, atol=1e-9)


def test_files_of_no_structure_are_refused_whole():
    with pytest.raises(RefusedError, match="no atoms: is this a CIF of a structure"):
        split_blocks("cif", b"data_global\n_publ_section_title 'x'\n")


def test_organics_are_taken_unless_asked_otherwise():
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
