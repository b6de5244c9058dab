"""Making a table of crystals from any source, with progress on the terminal."""

import os
from collections.abc import Iterable
from pathlib import Path

from gromega._util.parallel import ADDRESS, open_pool, open_processes
from gromega._util.progress import console, progress_bar, progress_counts
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import write_synthetic
from gromega.crystals.ingest.ingest import Tally, ingest_sources, new_quarantine
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.ingest.worker import Limits
from gromega.crystals.io.find import find_sources
from gromega.crystals.io.source import Source


def gather(source: Path, out: Path, quarantine: Path) -> tuple[Path, Tally | None]:
    """Return the table of a source, and the counts of an ingest if one was needed.

    The source is a recipe for synthetic crystals (.yaml), a table (.parquet), or a
    folder or archive of structure files, which are examined on the cluster that
    `DASK_SCHEDULER_ADDRESS` names, if any. `out` is written unless the source is a
    table, the CSV file `quarantine` always. FileNotFoundError is raised if there is no
    such source, ValueError if none of its crystals is accepted.
    """
    if not source.exists():
        raise FileNotFoundError(
            f"crystals.source: {source} does not exist; give a folder or an archive of "
            "CIF files, a table of crystals (.parquet), or a recipe for synthetic ones "
            "(.yaml)."
        )
    if source.suffix not in (".yaml", ".parquet"):
        files = find_sources([source])
        tally = ingest_with_progress(files, out, quarantine, os.environ.get(ADDRESS))
        if not tally.accepted:
            raise ValueError(
                f"crystals.source: no crystal of {source} was accepted; see the "
                f"reasons in {quarantine}."
            )
        return out, tally
    with new_quarantine(quarantine):
        # Only an ingest refuses crystals.
        pass
    if source.suffix == ".parquet":
        return source, None
    recipe = SyntheticRecipe.from_yaml(source)
    with progress_bar("crystals", recipe.size) as advance, open_processes() as pool:
        write_synthetic(out, recipe, pool, advance)
    return out, None


def ingest_with_progress(
    sources: Iterable[Source],
    out: Path,
    quarantine: Path,
    scheduler: str | None = None,
    options: IngestOptions | None = None,
    limits: Limits | None = None,
    what: str = "files",
) -> Tally:
    """Ingest a collection as `ingest_sources` does; show progress, print the counts.

    The workers are those of the Dask scheduler at an address, by default the cores.
    `what` says what is examined.
    """
    with progress_counts(what) as show, open_pool(scheduler) as pool:

        def report(tally: Tally) -> None:
            refused = tally.refused.total()
            show(tally.files, f"{tally.accepted} crystals accepted, {refused} refused")

        tally = ingest_sources(sources, out, quarantine, pool, options, limits, report)
    for line in tally.lines(what):
        console.print(line)
    return tally
