"""The quarantine: rows of refused inputs, or no file at all."""

import csv

import pytest

from gromega.crystals.ingest.quarantine import new_quarantine
from gromega.crystals.refusal import Reason, Refusal


def test_refusals_are_rows(tmp_path):
    refusal = Refusal("a.cif", "b, c", Reason.OVERLAP, 'Na and "Cl"')
    with new_quarantine(tmp_path / "q.csv") as refuse:
        refuse(refusal)
    with (tmp_path / "q.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["file", "block", "reason", "detail"]
    assert tuple(row.values()) == tuple(refusal)


def test_interrupted_quarantine_leaves_no_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_quarantine(tmp_path / "q.csv"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
