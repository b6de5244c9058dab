"""The verdict of a prediction: how far its first group can be relied on, in a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gromega.crystals.space_groups import class_number
from gromega.model.candidates import Candidate
from gromega.model.reliability import Reliability

LIKELY, POSSIBLE, UNDECIDED, UNLIKE = "likely", "possible", "undecided", "unlike"
LEVELS = ((LIKELY, 0.8), (POSSIBLE, 0.5))
"""The levels with their least certainty: that of `certainty`."""
HIGH, MEDIUM, LOW = "high", "medium", "low"
RELIABILITY_LEVELS = ((HIGH, 0.6), (MEDIUM, 0.4))
"""The levels of the reliability with their least top-1 on the test crystals.

It is counted from that of groups drawn at random, 1 / n_groups, to 1 (as Cohen's κ).
"""
_BEGINNINGS = {LIKELY: "Likely", POSSIBLE: "Possibly", UNDECIDED: "Undecided, first is"}


@dataclass(frozen=True)
class Verdict:
    """How far the first group of a prediction can be relied on.

    Parameters
    ----------
    level
        ``likely`` from a certainty of 80 % on, ``possible`` from 50 % on, else
        ``undecided``; ``unlike`` if the PDF is unlike those of all known crystals. The
        certainty is the probability of the first group, or top-1 on the test crystals
        predicted with similar confidence if that is lower.
    reliability
        ``high`` from a top-1 of 60 % on, on all test crystals at the conditions of the
        PDF, ``medium`` from 40 % on, else ``low``; None if it is unknown. With few
        groups, more is needed, since chance is better: 80 % and 70 % with two.
    text
        The verdict as a line.
    """

    level: str
    reliability: str | None
    text: str


def make_verdict(
    groups: Sequence[Candidate], reliability: Reliability | None, unlike: bool
) -> Verdict:
    """Return the verdict on a prediction with its groups, best first."""
    first, found = groups[0], None
    if reliability:
        chance = 1 / len(groups)
        levels = [(name, chance + x * (1 - chance)) for name, x in RELIABILITY_LEVELS]
        found = _level(reliability.top1.value, levels, LOW)
    if unlike:
        text = "Unlike all known crystals, do not rely on the groups below"
        return Verdict(UNLIKE, found, text)
    level = _level(certainty(first.probability, reliability), LEVELS, UNDECIDED)
    return Verdict(
        level,
        found,
        f"{_BEGINNINGS[level]} {first.symbol} (No. {class_number(first.number)}), "
        f"{100 * first.probability:.0f} %; reliability under these conditions: "
        f"{found or 'unknown'}",
    )


def certainty(confidence: float, reliability: Reliability | None) -> float:
    """Return the confidence, or the accuracy at similar confidence if it is lower.

    Probabilities are calibrated over all conditions. The test at the conditions of the
    PDF shows if they are too high there.
    """
    return min(confidence, reliability.alike_top1.value) if reliability else confidence


def _level(share: float, levels: Iterable[tuple[str, float]], lowest: str) -> str:
    return next((name for name, least in levels if share >= least), lowest)
