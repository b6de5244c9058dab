"""Files that crystals are read from."""

import gzip
import io

import pytest

from gromega.crystals.io import source
from gromega.crystals.io.source import Budget, kind_of, read_source
from gromega.crystals.refusal import Reason, RefusedError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/b.cif", "cif"),
        ("B.CIF", "cif"),
        ("b.cif.gz", "cif"),
        ("POSCAR", "poscar"),
        ("CONTCAR_relaxed", "poscar"),
        ("a.vasp.gz", "poscar"),
        ("a.parquet", "table"),
        ("a.zip", "zip"),
        ("a.tgz", "tar"),
        ("a.tar.xz", "tar"),
        ("cif", ""),
        ("a.gz", ""),
    ],
)
def test_kind_follows_from_the_name(name, kind):
    assert kind_of(name) == kind


def test_gzipped_file_is_inflated():
    content = gzip.compress(b"data_x")
    assert read_source(io.BytesIO(content), "x.cif.gz", "cif").content == b"data_x"


def test_damaged_file_is_refused():
    found = read_source(io.BytesIO(b"\x1f\x8b\x08 no more"), "x.cif.gz", "cif")
    assert found.refusal.reason is Reason.UNREADABLE


def test_size_of_a_file_is_limited(monkeypatch):
    monkeypatch.setattr(source, "MAX_FILE", 5)
    assert read_source(io.BytesIO(b"12345"), "x.cif", "cif").content == b"12345"
    found = read_source(io.BytesIO(b"123456"), "x.cif", "cif")
    assert found.refusal.reason is Reason.UNREADABLE
    assert found.content == b""


def test_overdrawn_budget_is_refused():
    budget = Budget(5)
    budget.spend(5)
    with pytest.raises(RefusedError) as error:
        budget.spend(1)
    assert error.value.reason is Reason.ARCHIVE
