"""Gathering: an ingest with a person who watches."""

from pathlib import Path

from gromega._util.parallel import open_pool
from gromega._util.progress import console, progress_counts
from gromega.crystals.ingest.ingest import Tally, ingest
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.ingest.worker import Limits


def gather(
    paths: list[Path],
    out: Path,
    quarantine: Path,
    scheduler: str | None = None,
    options: IngestOptions | None = None,
    limits: Limits | None = None,
) -> Tally:
    """Make a table of a collection, and tell the person at the terminal about it.

    Parameters
    ----------
    paths, out, quarantine, options, limits
        As in `gromega.crystals.ingest.ingest.ingest`.
    scheduler
        The address of a Dask scheduler; the cores of this machine if left out.
    """
    with progress_counts("files") as show, open_pool(scheduler) as pool:

        def report(tally: Tally) -> None:
            refused = tally.refused.total()
            show(tally.files, f"{tally.taken} crystals taken, {refused} refused")

        tally = ingest(paths, out, quarantine, pool, options, limits, report)
    refused = ", ".join(f"{n} {reason}" for reason, n in tally.refused.most_common())
    console.print(
        f"{tally.files} files: {tally.taken} crystals taken, "
        f"{tally.refused.total()} refused{': ' * bool(refused)}{refused}"
    )
    if tally.stated:
        console.print(
            f"spglib finds the space group that the file states for {tally.agree} of "
            f"{tally.stated}"
        )
    return tally
