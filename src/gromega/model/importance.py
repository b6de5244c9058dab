"""Importance: which distances of a measured PDF a prediction depends on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gromega.measured.pdf import MeasuredPDF
from gromega.measured.resample import to_input
from gromega.pdf.network_grid import INPUT_R, points_within

WINDOW = 2.0  # the width of the window that hides a part of a PDF, Å


@dataclass(frozen=True, eq=False)
class Importance:
    """The importance of each r for the first group of a prediction, by occlusion.

    Parameters
    ----------
    r, g
        The distances, (n,), in Å, and the measured G(r) there, on its file's scale.
    width
        The width of the windows, in Å.
    centres
        The centres of the windows, (m,), in Å.
    values
        The decrease of log p of the first group when a window is hidden, (m,):
        positive where the window supports the group.
    """

    r: NDArray[np.float64]
    g: NDArray[np.float32]
    width: float
    centres: NDArray[np.float64]
    values: NDArray[np.float64]

    def highest(self) -> list[float]:
        """Return the centres, in Å, of the three most supporting windows."""
        order = np.argsort(-self.values, kind="stable")[:3]
        return [float(self.centres[k]) for k in order if self.values[k] > 0]


def find_importance(
    log_probabilities: Callable[[NDArray[np.float32]], NDArray[np.floating]],
    pdf: MeasuredPDF,
) -> Importance:
    """Return the importance of each r for the first group predicted for a PDF.

    Windows of the PDF are hidden in turn (occlusion: Zeiler and Fergus, ECCV 2014). A
    window fades in and out as a cosine, so that it leaves no edge. The function maps
    G on `INPUT_R`, (n, 209), to log-probabilities, (n, n_groups).
    """
    g = to_input(pdf)
    omega = pdf.conditions()
    inside = points_within(omega.rmin, omega.rmax)
    low, high = omega.rmin, omega.rmax
    centres = np.arange(low + WINDOW / 2, high - WINDOW / 2 + 1e-9, WINDOW / 2)
    away = np.abs(INPUT_R - centres[:, None]) / (WINDOW / 2)
    kept = np.where(away < 1, 0.5 - 0.5 * np.cos(np.pi * away), 1.0)
    log_p = log_probabilities(np.concatenate([g[None], g * kept]).astype(np.float32))
    first = int(log_p[0].argmax())
    values = (log_p[0, first] - log_p[1:, first]).astype(np.float64)
    return Importance(INPUT_R[inside], g[inside], WINDOW, centres, values)
