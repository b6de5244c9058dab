"""The accuracies in the card of a released model, from its stored predictions."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gromega.conditions import Conditions
from gromega.evaluation.score import WITH_COMPOSITION, scores
from gromega.lake.predictions import StoredPredictions, read_predictions
from gromega.lake.splits import read_part
from gromega.lake.store import open_store
from gromega.lake.verify import verify_store
from gromega.sweeps import Sweep, get_sweep


def score_predictions(
    data: Path, omega: Conditions, hashes: Mapping[str, str]
) -> dict[str, Any]:
    """Return the block ``metrics`` of a card, from the predictions of this very model.

    The folder `data` has split.parquet, PDFs and predictions; `omega` are the conditions
    of the reference, from which sweeps start; the SHA-256 are of the model's files.

    Raises
    ------
    FileNotFoundError
        If a store or the split is missing.
    ValueError
        If predictions are incomplete, of another model, for other crystals or for PDFs
        at other conditions.
    """
    test, space_groups = read_part(data / "split.parquet", "test")

    def checked(name: str, sweep: Sweep | None) -> StoredPredictions:
        path = data / "predictions" / name
        verify_store(path)
        found = read_predictions(path, sweep)
        _check_conditions(data / name, omega, sweep)
        if found.model_sha256 != hashes:
            other = "of another model"
        elif found.ids.tolist() != test.tolist():
            other = "for another test part"
        else:
            return found
        raise ValueError(
            f"{path}: the predictions are {other}; make them again with 'dvc repro'."
        )

    reference = scores(checked("reference.zarr", None), space_groups)[""]
    with_composition = reference.pop(WITH_COMPOSITION, None)
    metrics = {"reference": reference}
    if with_composition:
        metrics[WITH_COMPOSITION] = with_composition
    names = sorted(p.stem for p in (data / "predictions" / "sweeps").glob("*.zarr"))
    metrics["sweeps"] = {
        name: scores(checked(f"sweeps/{name}.zarr", get_sweep(name)), space_groups)
        for name in names
    }
    return metrics


def _check_conditions(pdfs: Path, omega: Conditions, sweep: Sweep | None) -> None:
    """Raise ValueError if PDFs are not at these conditions, or along this sweep."""
    points = sweep.conditions(omega) if sweep else [omega]
    expected: Any = [each.to_mapping() for each in points]
    stored = json.loads(str(open_store(pdfs).attrs.get("conditions", "null")))
    if stored != (expected if sweep else expected[0]):
        raise ValueError(
            f"{pdfs}: the PDFs are not at the conditions of the training; make them, "
            "and the predictions, again with 'dvc repro'."
        )
