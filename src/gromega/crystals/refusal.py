"""Refusals: reasons why an input is not accepted as a crystal."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """The reasons, as written to `quarantine.csv` and to summaries."""

    UNREADABLE = "unreadable"
    OTHER_KIND = "not a structure file"
    ARCHIVE = "archive refused"
    NO_ATOMS = "no atoms"
    NO_SYMMETRY = "symmetry missing"
    BAD_CELL = "cell missing or impossible"
    NOT_PERIODIC = "not periodic in three dimensions"
    NO_COORDINATES = "coordinates missing"
    MISSING_ATOMS = "atoms without coordinates"
    DISORDER = "disorder not resolved"
    UNKNOWN_ELEMENT = "unknown element"
    BAD_OCCUPANCY = "occupancy above 1"
    OTHER_FORMULA = "formula disagrees with the file"
    OVERLAP = "overlapping atoms"
    TOO_MANY_ATOMS = "too many atoms"
    ORGANIC = "hydrogen-rich organic"
    UNSTABLE_LABEL = "label unstable between tolerances"
    OTHER_LABEL = "label disagrees with the file"
    DUPLICATE = "duplicate"
    TIME_LIMIT = "time limit"
    MEMORY_LIMIT = "memory limit"
    CRASH = "crash"


class RefusedError(ValueError):
    """Raised for an input that is refused, with the offending value or the remedy."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Refusal(NamedTuple):
    """A row of `quarantine.csv`."""

    file: str
    block: str
    reason: Reason
    detail: str
