"""Space groups with their probabilities for one PDF."""

from dataclasses import dataclass

N_SHOWN = 6  # groups in a table and a figure


@dataclass(frozen=True)
class Candidate:
    """A space group with its probability for one PDF.

    Parameters
    ----------
    number, symbol, system
        The space group number, the Hermann-Mauguin symbol and the crystal system.
    probability
        The probability, calibrated if the model is.
    in_set
        Whether the group is in the prediction set.
    """

    number: int
    symbol: str
    system: str
    probability: float
    in_set: bool
