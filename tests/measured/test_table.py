import gzip
import io

import numpy as np
import pytest
from gr_files import TWO, G, R, rows, write

from gromega.measured import table as tables
from gromega.measured.table import MIN_ROWS, read_table, read_text

WORDS = "r (Å)  G(r)\n" + TWO
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
        # numbers in quotes, with decimal points and with decimal commas
        "".join(f'"{line}"\n'.replace(" ", '","') for line in TWO.splitlines()),
        "".join(
            f'"{line}"\n'.replace(".", ",").replace(" ", '","')
            for line in TWO.splitlines()
        ),
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


@pytest.mark.parametrize(
    "content",
    [
        WORDS.encode(),
        WORDS.encode("utf-8-sig"),
        WORDS.encode("utf-16"),
        WORDS.encode("latin-1"),
        gzip.compress(WORDS.encode()),
    ],
    ids=["utf-8", "byte order mark", "utf-16", "latin-1", "gzip"],
)
def test_encodings_and_gzip_are_decoded(tmp_path, content):
    assert read_text(write(tmp_path, content)) == WORDS
    assert read_text(io.BytesIO(content)) == WORDS


def test_an_open_text_file_is_read():
    assert read_text(io.StringIO(WORDS)) == WORDS


@pytest.mark.parametrize(
    ("content", "named"),
    [
        # zero bytes: not text
        (bytes(range(256)), "text"),
        # cut short: not gzip
        (gzip.compress(TWO.encode())[:500], "gzip"),
        # ten million points: too large, also compressed
        (b"0 0\n" * 10_000_000, "16 MiB"),
        (gzip.compress(b"0 0\n" * 10_000_000), "16 MiB"),
    ],
    ids=["binary", "broken gzip", "large", "large gzip"],
)
def test_files_that_are_not_text_are_an_error(content, named):
    with pytest.raises(ValueError, match=named):
        read_text(io.BytesIO(content))
