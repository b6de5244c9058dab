import numpy as np
import pytest
from gr_files import TWO, G, R, rows

from gromega.measured import table as tables
from gromega.measured.table import MIN_ROWS, read_table

FORTRAN = "0.001D0 -1.0d-3 ****\n" + rows(R, G, 0 * R)


@pytest.mark.parametrize(
    "text",
    [
        TWO,
        rows(R, G, delimiter="\t"),
        rows(R, G, delimiter=","),
        rows(R, G, delimiter=", "),
        rows(R, G, delimiter=";"),
        TWO.replace(".", ","),
        TWO.replace(" ", ";").replace(".", ","),
        TWO.replace("\n", "\r\n"),
        TWO.replace("\n5 ", "\n\n# a comment\n5 "),
        "".join(f'"{line}"\n' for line in TWO.splitlines()),
        TWO.rstrip(),
    ],
)
def test_rows_are_read_whatever_separates_numbers(text):
    lines, table = read_table("# r G(r)\n" + text)
    assert lines[0] == "# r G(r)\n"
    np.testing.assert_allclose(table, np.transpose([R, G]), atol=1e-7)


def test_exponents_and_stars_of_fortran_are_read():
    _, table = read_table(FORTRAN)
    assert table.shape == (R.size + 1, 3)
    np.testing.assert_array_equal(table[0], [0.001, -0.001, np.nan])


def test_a_few_rows_in_the_header_are_not_the_table():
    lines, table = read_table("1 2 3\n4 5 6\n##### start data\n" + TWO)
    assert len(lines) == 3
    assert table.shape == (R.size, 2)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        # nothing, no numbers, or one column
        ("", "empty"),
        ("dear all,\nplease find attached\n", "10 rows"),
        (rows(R), "one column"),
        # a table that ends in something else: the line is named
        (TWO + "20.01", r"2001, '20\.01'"),
        (TWO + "20.01\n0 1 2\n", r"2001, '20\.01'"),
        (TWO + "1 2 3 4\n", "2001, '1 2 3 4'"),
    ],
)
def test_a_text_without_one_whole_table_is_an_error(text, named):
    with pytest.raises(ValueError, match=named):
        read_table(text)


@pytest.mark.parametrize("text", [TWO, TWO.replace(" ", ", "), TWO.replace(".", ",")])
def test_uniform_rows_are_not_read_one_by_one(text, monkeypatch):
    slow = []
    read = tables._number
    monkeypatch.setattr(tables, "_number", lambda f: slow.append(f) or read(f))
    read_table(text)
    assert len(slow) == 2 * MIN_ROWS


@pytest.mark.parametrize("line", ["20.01 nan", "2_0.01 0.0D0", "20.01 ****"])
def test_rows_that_are_not_uniform_give_the_same_table(line):
    _, table = read_table(TWO + line + "\n")
    np.testing.assert_allclose(table[:-1], np.transpose([R, G]), atol=1e-7)
    assert table[-1, 0] == 20.01


def test_a_table_begins_within_the_first_lines(monkeypatch):
    monkeypatch.setattr(tables, "MAX_ABOVE", 50)
    assert len(read_table(49 * "1\n" + TWO)[1]) == R.size
    with pytest.raises(ValueError, match="one column"):
        read_table(60 * "1\n" + TWO)


def test_a_table_of_too_many_rows_is_an_error(monkeypatch):
    monkeypatch.setattr(tables, "MAX_ROWS", 1000)
    with pytest.raises(ValueError, match="1,000 rows"):
        read_table(TWO)
