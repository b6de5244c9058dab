"""Comparison of models by their predictions for the same crystals."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from gromega._util.formatting import signed_points
from gromega.evaluation.report.content import Table
from gromega.evaluation.score import TOP
from gromega.lake.predictions import StoredPredictions, read_predictions
from gromega.lake.store import read_values
from gromega.model.intervals import paired_interval
from gromega.networks.logits import classes, ranks
from gromega.sweeps import get_sweep

PREDICTIONS = Path("data/predictions")


@contextmanager
def predictions_of_run(where: str) -> Iterator[dict[str, StoredPredictions]]:
    """Yield the predictions of another run: ``reference``, and by name of the sweep.

    It is the folder of another pipeline, or a git revision of this one with predictions
    in DVC's cache or remote; ValueError is raised if there are none.
    """
    if (Path(where) / PREDICTIONS).is_dir():
        yield _read(Path(where) / PREDICTIONS)
        return
    from dvc.api import DVCFileSystem

    with TemporaryDirectory() as folder:
        try:
            files = DVCFileSystem(".", rev=where)
            files.get(PREDICTIONS.as_posix(), folder, recursive=True)
        except Exception as error:
            # The errors of DVC's packages have no common class.
            raise ValueError(
                f"there are no predictions of {where!r} "
                f"({' '.join(str(error).split())}); give a git revision whose data are "
                "in DVC's cache or remote, or the folder of another pipeline."
            ) from None
        # DVC puts the folder itself, or its content, into the destination.
        found = [Path(folder), Path(folder) / PREDICTIONS.name]
        yield _read(next(p for p in reversed(found) if p.is_dir()))


def _read(folder: Path) -> dict[str, StoredPredictions]:
    found = {"reference": read_predictions(folder / "reference.zarr")}
    for path in sorted((folder / "sweeps").glob("*.zarr")):
        sweep = get_sweep(path.stem, read_values(path))
        found[path.stem] = read_predictions(path, sweep)
    return found


def compare_runs(
    ours: dict[str, StoredPredictions],
    theirs: dict[str, StoredPredictions],
    space_groups: NDArray[np.int64],
    name: str,
) -> Table:
    """Return the differences in accuracy at every point that both runs have.

    The predictions of this run and of the run `name` are by name of the sweep, the true
    space groups (n,). Other test crystals raise ValueError.
    """
    rows = []
    # The reference first, then the sweeps in our order.
    for sweep in [each for each in ours if each in theirs]:
        before, after = theirs[sweep], ours[sweep]
        if before.ids.tolist() != after.ids.tolist():
            raise ValueError(
                f"{name} has different test crystals; compare models of one split."
            )
        known = {key: (log_p, valid) for key, log_p, valid in before.points()}
        y_before = classes(before.space_groups, space_groups)
        y_after = classes(after.space_groups, space_groups)
        for key, log_p, valid in after.points():
            if key not in known:
                continue
            log_p_before, valid_before = known[key]
            both = valid & valid_before
            rank_before = ranks(log_p_before[both], y_before[both])
            rank_after = ranks(log_p[both], y_after[both])
            row = [sweep, key or "reference"]
            for k in TOP:
                interval = paired_interval(rank_before < k, rank_after < k)
                change, *ends = map(signed_points, interval)
                row += [change, " to ".join(ends)]
            rows.append(row)
    return Table(
        f"Difference in accuracy from {name} in percentage points, on the same "
        f"{space_groups.size:,} test crystals; paired bootstrap intervals, 95 %.",
        ["sweep", "point", "top-1", "interval", "top-6", "interval"],
        rows,
    )
