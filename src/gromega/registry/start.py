"""Whether a training may start with a released model."""

from pathlib import Path

from gromega.crystals.table import read_formulas
from gromega.lake.splits import read_part
from gromega.model.io import load_model
from gromega.registry.card import check_same_files, read_card

_REMEDY = "leave train.start as it is by default"


def check_start(folder: Path, split: Path, crystals: Path) -> None:
    """Check that a released model has not learned crystals that this split tests on.

    The split and the table have the hashes in its card; or all training crystals that
    the model carries are training crystals here, and all its test crystals are test
    crystals, as where a split has more groups or files are of an earlier format. If
    not, its training crystals may include test crystals: ValueError.
    """
    hashes = read_card(folder)["data"]["sha256"]
    try:
        check_same_files(folder, hashes, {"split": split, "table": crystals}, _REMEDY)
    except ValueError:
        if not _carries(folder, split, crystals):
            raise


def _carries(folder: Path, split: Path, crystals: Path) -> bool:
    """Return whether a model carries training crystals as such, and test crystals too.

    Neighbours are by id and formula, so other crystals with the same ids differ.
    """
    model = load_model(folder)
    if model.neighbours is None or model.test_crystals is None:
        return False
    trained, _ = read_part(split, "train")
    formulas = read_formulas(crystals, trained)
    names = {
        f"{name} {formula}" for name, formula in zip(trained, formulas, strict=True)
    }
    tested = set(read_part(split, "test")[0].tolist())
    return names.issuperset(model.neighbours.names) and tested.issuperset(
        model.test_crystals.ids
    )
