"""Stage: which crystals there are."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gromega._util.files import write_json
from gromega._util.parallel import ADDRESS, open_processes, ordered_map
from gromega._util.progress import console, progress_bar
from gromega.crystals.collection import (
    complete,
    summarise,
    with_formulas,
    with_source,
)
from gromega.crystals.generate import synthetic
from gromega.crystals.ingest.quarantine import new_quarantine
from gromega.crystals.table import (
    choose,
    new_table,
    read_table,
    row_batches,
    to_table,
)
from gromega.params import Params
from gromega.pdf.scattering import without_length
from gromega.pipeline.gather import gather
from gromega.pipeline.paths import (
    AUGMENTATION,
    CRYSTALS,
    DATA,
    METRICS,
    OTHER_GROUPS,
    QUARANTINE,
)

# Of extra synthetic crystals; those of the data set have the seed of their recipe.
EXTRA_SEED = 1_000_003


def crystals(params: Params) -> None:
    """Make data/crystals.parquet from `crystals.source`, and what says how.

    Collections are examined on a cluster if `DASK_SCHEDULER_ADDRESS` names one.
    """
    path = Path(params.crystals.source)
    if not path.exists():
        raise FileNotFoundError(
            f"crystals.source: {path} does not exist; give a folder or an archive of "
            "CIF files, a table of crystals (.parquet), or a recipe for synthetic ones "
            "(.yaml)."
        )
    gathered, gathering = DATA / "gathered.parquet", {}
    try:
        if path.suffix == ".yaml":
            recipe = synthetic.SyntheticRecipe.from_yaml(path)
            with (
                progress_bar("crystals", recipe.size) as advance,
                open_processes() as pool,
            ):
                synthetic.write_synthetic(gathered, recipe, pool, advance)
        elif path.suffix == ".parquet":
            gathered = path
        else:
            tally = gather([path], gathered, QUARANTINE, os.environ.get(ADDRESS))
            gathering = tally.summary()
            if not tally.taken:
                raise ValueError(
                    f"crystals.source: no crystal of {path} could be taken; "
                    f"{QUARANTINE} says why."
                )
        if not gathering:
            with new_quarantine(QUARANTINE):
                # Nothing was refused.
                pass
        keep, more, others = _choose(gathered, params)
        _write_all(CRYSTALS, _kept(gathered, keep, path.name))
        extra = [_kept(gathered, more, path.name)]
        if params.crystals.synthetic:
            extra.append(_synthetic(params))
        _write_all(AUGMENTATION, chain.from_iterable(extra))
        _write_all(OTHER_GROUPS, _rows(gathered, others))
    finally:
        if gathered != path:
            gathered.unlink(missing_ok=True)
    summary = summarise(CRYSTALS)
    if gathering:
        summary["ingest"] = gathering
    write_json(METRICS / "crystals.json", summary)
    console.print(
        f"{summary['crystals']} crystals of {summary['structure_types']} structure "
        f"types in {summary['space_groups']} space groups"
    )


def _choose(
    path: Path, params: Params
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows of a table make up the data set, are extra, or of others.

    Extra, where params.yaml asks for them, are the crystals of the same space groups
    that are known from theory alone. Those of others are of all other space groups, and
    known as those of the data set are.
    """
    unseen = without_length(params.reference.radiation)
    visible = np.array(
        [
            unseen.isdisjoint(atoms)
            for batch in row_batches(path, ["numbers"])
            for atoms in batch["numbers"].to_pylist()
        ],
        dtype=bool,
    )
    if not visible.all():
        console.print(
            f"left out {(~visible).sum()} crystals with elements that have no "
            f"{params.reference.radiation} scattering length"
        )
    labels = read_table(path, ["id", "space_group", "space_group_loose", "observed"])
    chosen = choose(
        labels.filter(pa.array(visible)),
        params.crystals.groups,
        params.crystals.observed,
    )
    keep = visible.copy()
    keep[visible] = chosen
    groups = np.asarray(labels["space_group"])
    sure = groups == np.asarray(labels["space_group_loose"])
    known = np.isin(groups, np.unique(groups[keep]))
    more = visible & ~keep & sure & known
    if not params.crystals.theoretical:
        more[:] = False
    others = visible & sure & ~known
    if params.crystals.observed:
        others &= np.asarray(labels["observed"])
    return keep, more, others


def _rows(path: Path, keep: NDArray[np.bool_]) -> Iterator[pa.Table]:
    """Yield the rows to keep of a table, with the formulas of their atoms."""
    start = 0
    for table in row_batches(path, rows=256):
        kept = table.filter(pa.array(keep[start : start + table.num_rows]))
        yield with_formulas(kept)
        start += table.num_rows


def _kept(path: Path, keep: NDArray[np.bool_], source: str) -> Iterator[pa.Table]:
    """Yield the rows to keep of a table, with their structure types."""
    batches = _rows(path, keep)
    with ExitStack() as stack:
        pool: Executor | None = None
        if keep.sum() > 256:
            pool = stack.enter_context(open_processes())
        made = ordered_map(pool, complete, batches) if pool else map(complete, batches)
        with progress_bar("structure types", int(keep.sum())) as advance:
            for table in made:
                yield with_source(table, source)
                advance(table.num_rows)


def _synthetic(params: Params) -> Iterator[pa.Table]:
    """Yield synthetic crystals of the groups of the data set, to train on beside it."""
    groups = np.unique(np.asarray(read_table(CRYSTALS, ["space_group"])["space_group"]))
    count = params.crystals.synthetic
    recipe = synthetic.SyntheticRecipe(tuple(groups.tolist()), count, EXTRA_SEED)
    with (
        progress_bar("synthetic crystals", recipe.size) as advance,
        open_processes() as pool,
    ):
        for made in synthetic.synthesize(recipe, pool):
            crystals, numbers = zip(*made, strict=True)
            table = to_table(crystals, numbers, source="synthetic")
            # The data set may be synthetic itself.
            names = pa.array([f"extra-{crystal.id}" for crystal in crystals])
            yield complete(table.set_column(0, "id", names))
            advance(len(made))


def _write_all(out: Path, tables: Iterable[pa.Table]) -> None:
    with new_table(out) as write:
        for table in tables:
            write(table)
