"""A store that is still right is not made again; any other one is."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from damage import flip

from gromega.lake import reuse
from gromega.lake.predictions import (
    StoredPredictions,
    read_predictions,
    write_predictions,
)
from gromega.lake.reuse import KEPT, make_or_reuse

OUT = Path("data/a.zarr")
IDS = np.array(list("abc"))


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a function that makes or reuses a store, and the values it made."""
    monkeypatch.chdir(tmp_path)
    made = []

    def make_with(value, **made_from):
        def write():
            made.append(value)
            log_p = np.full((1, 3, 2), value, np.float32)
            valid = np.ones((1, 3), bool)
            found = StoredPredictions(IDS, np.array([2, 14]), log_p, valid)
            write_predictions(OUT, found)

        make_or_reuse(OUT, made_from, write)
        # DVC removes it before the next run.
        assert read_predictions(OUT).log_p[0, 0, 0] == made[-1]
        shutil.rmtree(OUT)

    return make_with, made


def test_the_same_store_is_made_once(make):
    make_with, made = make
    make_with(-1, model="x")
    make_with(-2, model="x")
    assert made == [-1]
    assert [path.name for path in KEPT.rglob("*.partial")] == []


def test_another_input_makes_it_again_and_one_is_kept(make):
    make_with, made = make
    for value, model in enumerate("xyx"):
        make_with(-value, model=model)
    assert made == [0, -1, -2]
    assert len(list((KEPT / OUT).iterdir())) == 1


def test_other_code_makes_it_again(make, monkeypatch):
    make_with, made = make
    make_with(-1)
    monkeypatch.setattr(reuse, "code_hash", lambda: "other")
    make_with(-2)
    assert made == [-1, -2]


def test_caches_are_no_code(tmp_path, monkeypatch):
    monkeypatch.setattr(reuse, "_PACKAGE", tmp_path)
    (tmp_path / "part.py").write_text("1")
    before = reuse.code_hash.__wrapped__()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "part.nbi").write_text("compiled")
    assert reuse.code_hash.__wrapped__() == before
    (tmp_path / "part.py").write_text("2")
    assert reuse.code_hash.__wrapped__() != before


@pytest.mark.parametrize("name", ["log_p/c/0/0", "manifest.json", "log_p/zarr.json"])
@pytest.mark.parametrize("lost", [True, False])
def test_a_damaged_one_is_made_again(make, name, lost):
    make_with, made = make
    make_with(-1)
    (kept,) = (KEPT / OUT).iterdir()
    if lost:
        (kept / name).unlink()
    else:
        flip(kept / name)
    make_with(-2)
    assert made == [-1, -2]
