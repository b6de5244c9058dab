"""The texts of the card of a released model: task, intended use and limits."""

from collections.abc import Iterable, Mapping
from typing import Any

from gromega._util.formatting import percent
from gromega.crystals.space_groups import all_classes, class_number
from gromega.sweeps import point_text

TASK = "Rank the possible space groups of a material, given its PDF G(r)."
INTENDED_USE = (
    "Narrow down the possible space groups of a crystalline material before its "
    "structure is refined, from one PDF measured or simulated with a radiation below.",
    "Study how predictions depend on the conditions of an experiment, in research and "
    "teaching.",
)
OTHER_GROUPS = (
    "The model ranks only its own space groups, also for a material of another one. "
    "The probability of another group depends on how common such materials are."
)
LIMITS = (
    "The PDF must be that of one crystalline phase: no mixture, glass or liquid, and "
    "no differential PDF.",
    "All accuracies are for simulated G(r) with one Uiso for all atoms. Measured PDFs "
    "have errors that the simulation lacks: expect lower accuracies.",
    "The accuracies hold inside the box of validity only. Prediction sets reach their "
    "coverage for PDFs like those of the calibration.",
    "A wrong composition makes predictions worse, and so does the correct composition "
    "of a new structure type.",
    "A prediction is not a proof: confirm it by a refinement or by diffraction.",
)
RANDOM_SPLIT = (
    "The split is random: many test crystals are isostructural with training crystals. "
    "Expect a lower accuracy for a new structure type."
)


def standard_texts(
    data: Mapping[str, Any], metrics: Mapping[str, Any], space_groups: Iterable[int]
) -> dict[str, Any]:
    """Return the blocks ``task``, ``intended_use`` and ``limits`` of a card.

    They depend on its blocks ``data``, ``metrics`` and ``space_groups``.
    """
    counts = {group: n["train"] for group, n in data["by_space_group"].items()}
    rarest = min(counts, key=lambda group: counts[group])
    n = counts[rarest]
    limits = [
        *([] if {*space_groups} >= {*all_classes()} else [OTHER_GROUPS]),
        *LIMITS,
        "Rare space groups are predicted less well: group "
        f"{class_number(int(rarest))} has {n:,} training crystal{'s' * (n != 1)}.",
    ]
    by_group = data["by_space_group"]
    untested = [
        class_number(group)
        for group in space_groups
        if not by_group.get(str(group), {}).get("test")
    ]
    if untested:
        limits.append(
            "These space groups have too few crystals known from experiment to be "
            f"tested, or none: {', '.join(untested)}."
        )
    top6 = [
        (score["top6"], axis, value)
        for axis, scores in metrics["sweeps"].items()
        for value, score in scores.items()
    ]
    if top6:
        lowest, axis, value = min(top6)
        limits.append(
            "Accuracy depends on the conditions: the lowest top-6 accuracy of the "
            f"sweeps is {percent(lowest)}, at {axis} {point_text(axis, value)}."
        )
    at_reference = metrics.get("novelty", {}).get("reference", {})
    unsure = at_reference.get("without_composition", {}).get("unsure", {})
    if new := unsure.get("new"):
        limits.append(
            f"For {new['n']:,} test crystals of new structure types, top-1 is "
            f"{percent(new['top1'])} at a mean confidence of "
            f"{percent(new['confidence'])}, unless the structure type is stated as new."
        )
    if data["split"]["scheme"] == "random":
        limits.append(RANDOM_SPLIT)
    return {"task": TASK, "intended_use": list(INTENDED_USE), "limits": limits}
