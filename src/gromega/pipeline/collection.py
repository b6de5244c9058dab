"""The files of a collection: its table, and what `gromega ingest` writes beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gromega._util.files import write_json
from gromega._util.plotting import save_figure
from gromega.crystals.ingest.ingest import Tally
from gromega.crystals.table import summarise
from gromega.evaluation.figures.crystals import crystals_figure


class NoCrystalError(ValueError):
    """Raised if no crystal of a collection is accepted."""


def beside(table: Path, name: str) -> Path:
    """Return the path of a file beside a table: ``mine-NAME`` for ``mine.parquet``.

    It is NAME alone for ``crystals.parquet``.
    """
    prefix = "" if table.stem == "crystals" else f"{table.stem}-"
    return table.with_name(f"{prefix}{name}")


def summary_files(table: Path) -> list[Path]:
    """Return the paths of the summary of a table and of its pictures."""
    return [table.with_suffix(suffix) for suffix in (".json", ".svg", ".png")]


def write_collection(
    out: Path,
    quarantine: Path,
    ingest: Callable[[Path, Path], Tally],
    facts: dict[str, Any] | None = None,
) -> None:
    """Write a table of crystals, its quarantine, its summary and its pictures.

    Parameters
    ----------
    ingest
        The function that writes a table and a quarantine, and returns the counts.
    facts
        What the summary says beside the counts.

    Raises
    ------
    NoCrystalError
        If no crystal is accepted. An earlier table stays.
    """
    new = out.with_name(f".{out.name}")
    tally = ingest(new, quarantine)
    if not tally.accepted:
        new.unlink()
        detail = f"no crystal was accepted; see the reasons in {quarantine}."
        raise NoCrystalError(detail)
    new.replace(out)
    summary = {**summarise(out), **(facts or {}), "ingest": tally.summary()}
    write_json(summary_files(out)[0], summary)
    save_figure(crystals_figure(summary), out.with_suffix(""))
