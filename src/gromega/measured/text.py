"""The text of a G(r) file: read, unpacked and decoded."""

import gzip
import zlib
from io import BytesIO
from pathlib import Path
from typing import IO

MAX_BYTES = 16 * 2**20
"""The largest file that is read: twenty times a G(r) of 10,000 rows and 4 columns."""

Source = str | Path | IO[bytes] | IO[str]


def read_text(source: Source) -> str:
    """Return the text of a file, which may be compressed by gzip.

    Parameters
    ----------
    source
        The path of the file, or an open file.

    Raises
    ------
    ValueError
        If the file is too large or is not text.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            content: bytes | str = file.read(MAX_BYTES + 1)
    else:
        content = source.read(MAX_BYTES + 1)
    if isinstance(content, bytes):
        content = _decode(_unpack(content))
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"it is larger than {MAX_BYTES >> 20} MiB, far more than a G(r) needs; "
            "give the G(r) alone, in steps of 0.01 Å"
        )
    return content


def _unpack(content: bytes) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.GzipFile(fileobj=BytesIO(content)).read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise ValueError("it is broken as a gzip file; copy it again") from None


def _decode(content: bytes) -> str:
    """Return text in UTF-8, in UTF-16 with a byte order mark, or else in Latin-1."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        if b"\x00" in content:
            raise ValueError("it is not a text file; export the G(r) as text")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
