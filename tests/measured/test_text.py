import gzip
import io

import pytest
from gr_files import TWO, write

from gromega.measured.text import read_text

WORDS = "r (Å)  G(r)\n" + TWO


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
