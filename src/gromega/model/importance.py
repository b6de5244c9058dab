"""Evidence: what in a measured PDF speaks for the answer to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.measured.pdf import MeasuredPDF
from gromega.measured.resample import to_input
from gromega.model.matches import Matches
from gromega.pdf.network_grid import INPUT_R, points_within

WINDOW = 2.0
"""The width of what is hidden of a PDF at a time, Å."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks for the first group of an answer.

    Parameters
    ----------
    r
        Distances, (n,), in Å.
    g
        The measured G(r) there, (n,), as the model saw it, on the scale of the file.
    centres
        The centres of windows 2 Å wide, (m,), in Å.
    speaks
        By how much log p of the first group falls when the model does not see a
        window, (m,): above 0 where the window speaks for the group.
    matches
        The known crystals whose PDFs match best; None without a library.
    """

    r: NDArray[np.float64]
    g: NDArray[np.float32]
    centres: NDArray[np.float64]
    speaks: NDArray[np.float64]
    matches: Matches | None

    def speaks_most(self, count: int = 3) -> str:
        """Return the centres of the windows that speak most for the group, in words.

        They are none where no window speaks for it.
        """
        order = np.argsort(-self.speaks, kind="stable")[:count]
        return ", ".join(f"{self.centres[k]:.1f}" for k in order if self.speaks[k] > 0)

    def to_mapping(self) -> dict[str, Any]:
        """Return the evidence as JSON can hold it."""
        values: dict[str, Any] = {
            "r": _rounded(self.r), "g": _rounded(self.g),
            "windows": {
                "width": WINDOW,
                "centre": _rounded(self.centres),
                "speaks": _rounded(self.speaks),
            },
            "matches": None,
        }  # fmt: skip
        if self.matches:
            values["matches"] = {
                "n": self.matches.n,
                "r": _rounded(self.matches.r),
                "best": [
                    {
                        "id": match.id, "formula": match.formula,
                        "number": match.number, "rw": round(match.rw, 4),
                        "strain": match.strain, "uiso": match.uiso,
                        "g": _rounded(match.g),
                    }
                    for match in self.matches.best
                ],
            }  # fmt: skip
        return values


def _rounded(values: NDArray[np.floating]) -> list[float]:
    return [float(f"{value:.5g}") for value in values.tolist()]


def find_evidence(
    log_probabilities: Callable[[NDArray[np.float32]], NDArray[np.floating]],
    pdf: MeasuredPDF,
    matches: Matches | None = None,
) -> Evidence:
    """Return what speaks for the first group that a model names for a PDF.

    Windows of the PDF are hidden in turn (Zeiler and Fergus, ECCV 2014), faded out so
    that no edge is left.

    Parameters
    ----------
    log_probabilities
        What the model says of G on `INPUT_R`, (n, 209): (n, n_groups).
    pdf
        The measured PDF.
    matches
        The known crystals that match it best, as `Library.match` finds them.
    """
    g = to_input(pdf)
    omega = pdf.conditions()
    inside = points_within(omega.rmin, omega.rmax)
    low, high = omega.rmin, omega.rmax
    centres = np.arange(low + WINDOW / 2, high - WINDOW / 2 + 1e-9, WINDOW / 2)
    away = np.abs(INPUT_R - centres[:, None]) / (WINDOW / 2)
    kept = np.where(away < 1, 0.5 - 0.5 * np.cos(np.pi * away), 1.0)
    seen = np.concatenate([g[None], g * kept]).astype(np.float32)
    log_p = log_probabilities(seen)
    first = int(log_p[0].argmax())
    speaks = (log_p[0, first] - log_p[1:, first]).astype(np.float64)
    return Evidence(INPUT_R[inside], g[inside], centres, speaks, matches)
