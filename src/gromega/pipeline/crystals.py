"""Stage `crystals`: the data set, and the crystals beside it."""

from functools import partial
from itertools import chain
from pathlib import Path

from gromega._util.files import write_json
from gromega._util.progress import console, progress_bar
from gromega.crystals import dataset
from gromega.crystals.table import summarise, write_tables
from gromega.params import Params
from gromega.pdf.scattering import without_length
from gromega.pipeline import paths
from gromega.pipeline.gather import gather


def crystals(params: Params) -> None:
    """Make the tables of crystals from `crystals.source`, and their summary."""
    wanted, radiation = params.crystals, params.reference.radiation
    source, gathered = Path(wanted.source), paths.DATA / "gathered.parquet"
    try:
        table, tally = gather(source, gathered, paths.QUARANTINE)
        rows = dataset.select_crystals(
            table, wanted.n_groups, wanted.observed, wanted.theoretical,
            without_length(radiation),
        )  # fmt: skip
        if rows.n_invisible:
            console.print(
                f"left out {rows.n_invisible} crystals with elements that have no "
                f"{radiation} scattering length"
            )
        total = rows.dataset.sum() + rows.augmentation.sum()
        total += len(rows.groups) * wanted.synthetic
        with progress_bar("structure types", int(total)) as advance:
            labelled = partial(
                dataset.labelled_rows, table, source=source.name, progress=advance
            )
            write_tables(labelled(rows.dataset), paths.CRYSTALS)
            more = [labelled(rows.augmentation)]
            if n := wanted.synthetic:
                more += [dataset.synthetic_augmentation(rows.groups, n, advance)]
            write_tables(chain(*more), paths.AUGMENTATION)
        write_tables(
            dataset.selected_rows(table, rows.other_groups), paths.OTHER_GROUPS
        )
    finally:
        if source != gathered:
            gathered.unlink(missing_ok=True)
    summary = summarise(paths.CRYSTALS) | ({"ingest": tally.summary()} if tally else {})
    write_json(paths.SUMMARY, summary)
    counts = {key: n for key, n in summary.items() if isinstance(n, int)}
    write_json(paths.METRICS / "crystals.json", counts)
    console.print(
        f"{summary['crystals']} crystals of {summary['structure_types']} structure "
        f"types in {summary['space_groups']} space groups: "
        f"{', '.join(map(str, sorted(rows.groups)))}"
    )
