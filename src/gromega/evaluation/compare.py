"""Comparison of models by what they answered on the same crystals."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from gromega._util.intervals import paired_interval
from gromega.evaluation.report.document import Table
from gromega.evaluation.score import TOP
from gromega.lake.predictions import StoredPredictions, read_predictions
from gromega.networks.logits import classes, ranks
from gromega.sweeps import get_sweep

PREDICTIONS = Path("data/predictions")


@contextmanager
def predictions_of(where: str) -> Iterator[dict[str, StoredPredictions]]:
    """Yield the answers of another run by name: ``reference``, and those of sweeps.

    Parameters
    ----------
    where
        The folder of another pipeline, or a git revision of this one, whose answers
        DVC has in its cache or in a remote.

    Raises
    ------
    ValueError
        If there are none.
    """
    if (Path(where) / PREDICTIONS).is_dir():
        yield _read(Path(where) / PREDICTIONS)
        return
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    with TemporaryDirectory() as folder:
        try:
            files = DVCFileSystem(".", rev=where)
            files.get(PREDICTIONS.as_posix(), folder, recursive=True)
        except (DvcException, SCMError, OSError) as error:
            raise ValueError(
                f"there are no answers of {where!r} ({' '.join(str(error).split())}); "
                "give a git revision whose data are in DVC's cache or remote, or the "
                "folder of another pipeline."
            ) from None
        found = [Path(folder), Path(folder) / PREDICTIONS.name]
        yield _read(next(p for p in reversed(found) if p.is_dir()))


def _read(folder: Path) -> dict[str, StoredPredictions]:
    found = {"reference": read_predictions(folder / "reference.zarr")}
    for path in sorted((folder / "sweeps").glob("*.zarr")):
        found[path.stem] = read_predictions(path, get_sweep(path.stem))
    return found


def comparison(
    ours: dict[str, StoredPredictions],
    theirs: dict[str, StoredPredictions],
    space_groups: NDArray[np.int64],
    name: str,
) -> Table:
    """Return the differences at every point that both were asked at.

    Parameters
    ----------
    ours, theirs
        The answers by name of the sweep.
    space_groups
        The true space groups of the crystals, (n,).
    name
        What to call the other run.

    Raises
    ------
    ValueError
        If they were asked about other crystals.
    """
    rows = []
    for sweep in ours.keys() & theirs.keys():
        one, other = theirs[sweep], ours[sweep]
        if one.ids.tolist() != other.ids.tolist():
            raise ValueError(
                f"{name} was tested on other crystals; compare models of one split."
            )
        known = {key: (log_p, seen) for key, log_p, seen in one.points()}
        y_one = classes(one.space_groups, space_groups)
        y_other = classes(other.space_groups, space_groups)
        for key, log_p, seen in other.points():
            if key not in known:
                continue
            both = seen & known[key][1]
            before = ranks(known[key][0][both], y_one[both])
            after = ranks(log_p[both], y_other[both])
            row = [sweep, key or "reference"]
            for k in TOP:
                change, low, high = paired_interval(before < k, after < k)
                row += [
                    f"{100 * change:+.1f}",
                    f"{100 * low:+.1f} to {100 * high:+.1f}",
                ]
            rows.append(row)
    # The reference first, then the sweeps in the order of their points.
    order = list(ours)
    rows.sort(key=lambda row: order.index(row[0]))
    return Table(
        f"Accuracy less that of {name}, in points, on the same {space_groups.size:,} "
        "test crystals, with paired bootstrap intervals (95 %).",
        ["sweep", "point", "top-1", "interval", "top-6", "interval"],
        rows,
    )
