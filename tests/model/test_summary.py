from dataclasses import replace

import pytest

from gromega import read_pdf
from gromega.model.cell_size import CellSize
from gromega.model.summary import COLUMNS, summary_row, summary_table

HEAD = ",".join(COLUMNS)


def rows(*notes, in_set="221 123", reliability="high,0.71", qmax="25", assumed=""):
    found = [
        f'{k}.gr,likely,221,Pm-3m,0.9512,{in_set},{reliability},,{qmax},{assumed},,,,,"{n}"'
        for k, n in enumerate(notes)
    ]
    return "\n".join([HEAD, *found]) + "\n"


def test_a_note_of_many_files_stands_once():
    table = summary_table(rows("a note", "a note | another", "")).splitlines()
    assert len(table) == 1 + 3 + 2
    assert [line.split()[-1] for line in table[1:4]] == ["1", "2", "–"]
    assert table[4].endswith("a note") and table[5].endswith("another")


def test_the_columns_are_aligned():
    text = rows("", "", in_set="1 2 4 9 11 12 13 14")
    head, *lines = summary_table(text).splitlines()
    for line in lines:
        assert line.index("likely") == head.index("verdict")
        assert line.index("high") == head.index("reliability")
        # six groups of the set and the number of the others
        assert "2 more" in line and "13" not in line


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"reliability": ","}, "unknown"),
        ({"qmax": "23", "assumed": "qmax qdamp"}, "23 (assumed)"),
        ({}, "high, 71 %"),
    ],
)
def test_what_is_not_known_is_said(given, shown):
    assert shown in summary_table(rows("", **given))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (None, ["", "", "", ""]),
        (CellSize(8, 0.6, (4, 16)), ["8", "4 16", "", ""]),
        (
            CellSize(8, 0.6, (4, 16), 87.61, (40.0, 182.44)),
            ["8", "4 16", "87.6", "40.0 182.4"],
        ),
    ],
)
def test_a_row_has_the_size_of_the_primitive_cell(small_model, files, size, expected):
    prediction = small_model.predict(read_pdf(files / "25.gr"))
    row = summary_row("25.gr", replace(prediction, cell_size=size))
    columns = dict(zip(COLUMNS, row, strict=True))
    names = ("atoms", "atoms_range", "volume", "volume_range")
    assert [columns[name] for name in names] == expected
