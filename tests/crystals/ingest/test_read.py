import zipfile

import pytest
from files import NICKEL

import gromega
from gromega.crystals.ingest.read import read_crystals
from gromega.crystals.table import to_table, write_table

TWO = NICKEL + NICKEL.replace("data_", "data_other_")


def test_the_crystals_of_a_folder_have_their_paths_as_ids(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "two.cif").write_text(TWO)
    (tmp_path / "one.cif").write_text(NICKEL)
    (tmp_path / "notes.txt").write_text("ignored")
    found = read_crystals(tmp_path)
    names = [crystal.id for crystal in found]
    assert names[-1] == "one.cif"
    assert [name.partition("#")[0] for name in names[:2]] == ["deep/two.cif"] * 2
    assert len({*names}) == 3
    assert all(crystal.formula == "Ni" for crystal in found)


def test_an_archive_and_a_table_are_read_like_a_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("one.cif", NICKEL)
    (crystal,) = gromega.read_crystals(tmp_path / "all.zip")
    assert crystal.id == "one.cif"
    write_table(to_table([crystal], [225]), tmp_path / "one.parquet")
    (again,) = read_crystals(tmp_path / "one.parquet")
    assert again.id == "one.cif"
    assert again.density == pytest.approx(crystal.density)


def test_a_crystal_that_cannot_be_read_is_an_error_with_its_file(tmp_path):
    (tmp_path / "good.cif").write_text(NICKEL)
    (tmp_path / "letter.cif").write_text("dear reader")
    with pytest.raises(ValueError, match=r"letter\.cif"):
        read_crystals(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_crystals(tmp_path / "nowhere")
