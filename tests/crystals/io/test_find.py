"""Finding the files of a collection, in the order of their names."""

import json
import os
from pathlib import Path

import pytest
from files import POSCAR, cif

from gromega.crystals.io.find import check_paths, find_sources
from gromega.crystals.table import write_table


def test_folders_are_searched_in_the_order_of_names(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("b/c/x.cif", "b/a.cif", "POSCAR", "z.cif", "notes.txt"):
        (tmp_path / name).write_text(cif())
    names = [source.name for source in find_sources([tmp_path])]
    assert names == ["POSCAR", "b/a.cif", "b/c/x.cif", "z.cif"]


def test_rows_of_a_table_are_sources(tmp_path, small_table):
    write_table(small_table.slice(0, 2), tmp_path / "t.parquet")
    found = list(find_sources([tmp_path / "t.parquet"]))
    assert [source.kind for source in found] == ["row", "row"]
    names = [json.loads(source.content)["id"] for source in found]
    assert names == ["nickel-0", "nickel-1"]


def test_unreadable_files_are_refused_one_by_one(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "letter.parquet").write_text("dear reader")
    (folder / "gone.cif").symlink_to("nowhere")
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe.cif")
    Path(os.fsdecode(os.fsencode(folder) + b"/M\xfcller.cif")).write_text("x")
    (folder / "z.cif").write_text(cif())
    found = list(find_sources([folder]))
    # bytes that are not UTF-8 are escaped
    names = [one.name for one in found if not one.refusal]
    assert names == ["M\\xfcller.cif", "z.cif"]
    names = {one.name for one in found if one.refusal}
    assert names == {"again", "gone.cif", "letter.parquet", "pipe.cif"}


def test_collections_of_one_name_get_different_names(tmp_path):
    for k, place in enumerate(("a", "b")):
        folder = tmp_path / place / "cifs"
        folder.mkdir(parents=True)
        (folder / "x.cif").write_text(cif(a=f"{5 + k}"))
    paths = [tmp_path / place / "cifs" for place in ("a", "b")]
    names = [source.name for source in find_sources(paths)]
    assert names == ["cifs/x.cif", "cifs~2/x.cif"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        # a file of another kind
        ("x.doc", ValueError),
        # a table that is damaged
        ("x.parquet", ValueError),
        # nothing at all
        ("nowhere", FileNotFoundError),
    ],
)
def test_unusable_path_is_named(tmp_path, name, error):
    (tmp_path / "x.doc").write_text("dear reader")
    (tmp_path / "x.parquet").write_text("dear reader")
    with pytest.raises(error, match=name.split(".")[0]):
        check_paths([tmp_path / name])


def test_usable_paths_pass(tmp_path):
    (tmp_path / "POSCAR").write_text(POSCAR)
    check_paths([tmp_path, tmp_path / "POSCAR"])
