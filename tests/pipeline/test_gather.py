from pathlib import Path

import pytest
from files import NICKEL

from gromega.crystals.io.find import find_sources
from gromega.crystals.table import read_table, write_table
from gromega.pipeline.gather import gather, ingest_with_progress

OUT, QUARANTINE = Path("out.parquet"), Path("quarantine.csv")
HEAD = "file,block,reason,detail\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)


def test_a_table_is_used_where_it_is(small_table):
    write_table(small_table, Path("mine.parquet"))
    assert gather(Path("mine.parquet"), OUT, QUARANTINE) == (Path("mine.parquet"), None)
    assert not OUT.exists()
    assert QUARANTINE.read_text() == HEAD


def test_a_recipe_makes_synthetic_crystals():
    Path("few.yaml").write_text(
        "space_groups: [2, 225]\ncrystals_per_group: 2\nseed: 0\n"
    )
    assert gather(Path("few.yaml"), OUT, QUARANTINE) == (OUT, None)
    assert read_table(OUT)["space_group"].to_pylist() == [2, 2, 225, 225]
    assert QUARANTINE.read_text() == HEAD


def test_files_are_examined_and_counted(capsys):
    Path("cifs").mkdir()
    Path("cifs/nickel.cif").write_text(NICKEL)
    Path("cifs/letter.cif").write_text("dear reader")
    path, tally = gather(Path("cifs"), OUT, QUARANTINE)
    assert path == OUT
    assert (tally.files, tally.accepted, tally.refused.total()) == (2, 1, 1)
    assert read_table(OUT)["id"].to_pylist() == ["nickel.cif"]
    assert "letter.cif,,unreadable" in QUARANTINE.read_text()
    assert "2 files" in capsys.readouterr().err


def test_a_source_of_nothing_good_names_the_reasons():
    Path("letter.cif").write_text("dear reader")
    with pytest.raises(ValueError, match=r"letter\.cif.*quarantine\.csv"):
        gather(Path("letter.cif"), OUT, QUARANTINE)
    # The command ingest accepts it, and prints the counts.
    files = find_sources([Path("letter.cif")])
    assert ingest_with_progress(files, OUT, QUARANTINE).accepted == 0


def test_a_missing_source_is_named():
    with pytest.raises(FileNotFoundError, match=r"absent\.parquet"):
        gather(Path("absent.parquet"), OUT, QUARANTINE)
    assert not QUARANTINE.exists()
