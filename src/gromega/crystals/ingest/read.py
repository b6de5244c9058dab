"""Reading crystals from files, folders and archives, without labels or quarantine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gromega.crystals.crystal import Crystal
from gromega.crystals.ingest.validate import name_of, read_part, split_blocks
from gromega.crystals.io.find import find_sources
from gromega.crystals.io.source import Source
from gromega.crystals.refusal import Reason, RefusedError


def read_crystals(path: str | Path) -> list[Crystal]:
    """Read all crystals of a file, a folder, an archive or a table.

    Folders and archives may contain CIF and POSCAR files; other files are ignored. The
    id of a crystal is its path within the collection, with ``#block`` if the file has
    several. A row of a table keeps its id.

    Parameters
    ----------
    path
        The path of a CIF or POSCAR file, of a folder or an archive (.zip, .tar.gz, ...)
        of them, or of a table (.parquet).

    Raises
    ------
    FileNotFoundError
        If the path does not exist.
    ValueError
        If a crystal cannot be read. The message names the file. To leave out such
        crystals, use ``gromega ingest``, which lists them with the reasons.
    """
    sources = find_sources([Path(path)])
    return [crystal for source in sources for crystal in _read_source(source)]


def _read_source(source: Source) -> Iterator[Crystal]:
    if source.refusal:
        if source.refusal.reason != Reason.OTHER_KIND:
            raise ValueError(f"{source.name}: {source.refusal.detail}.")
        return
    name = source.name
    try:
        parts = split_blocks(source.kind, source.content)
        for part in parts:
            if isinstance(part, dict):
                name = str(part["id"])
            elif len(parts) > 1:
                name = f"{source.name}#{name_of(part)}"
            yield replace(read_part(part).crystal, id=name)
    except RefusedError as error:
        raise ValueError(f"{name}: {error}.") from None
