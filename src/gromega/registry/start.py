"""Whether a training may start with a released model."""

from pathlib import Path

from gromega.crystals.table import read_formulas
from gromega.lake.splits import read_part
from gromega.model.io import load_model
from gromega.registry.card import check_same_files, read_card

_REMEDY = "leave train.start as it is by default"


def check_start(folder: Path, split: Path, crystals: Path) -> None:
    """Check that a released model was trained with this split of these crystals.

    The split and the table have the hashes in its card, or the model carries crystals
    by which it knows them, as its files may be of an earlier format. If the model was
    trained with others, its training crystals may include test crystals: ValueError.
    """
    hashes = read_card(folder)["data"]["sha256"]
    try:
        check_same_files(folder, hashes, {"split": split, "table": crystals}, _REMEDY)
    except ValueError:
        if not _carries(folder, split, crystals):
            raise


def _carries(folder: Path, split: Path, crystals: Path) -> bool:
    """Return whether a model carries all training crystals and none but test crystals.

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
    return set(model.neighbours.names) == names and tested.issuperset(
        model.test_crystals.ids
    )
