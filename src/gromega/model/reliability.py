"""Held-out crystals that a model carries, to be tested on at any conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega._util.intervals import Share
from gromega.conditions import Conditions
from gromega.model.sqrt_quantize import SqrtQuantized
from gromega.networks.quantize import pack_names, unpack_names
from gromega.pdf.bins import DMAX, n_bins, refine
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.operator import reach

MOST = 2000
"""The most crystals that are carried."""
ALIKE = 0.1
"""The share of crystals that count as answered with like confidence."""
_FACTOR = 3
_LEVELS = 127


@dataclass(frozen=True, eq=False, repr=False)
class TestCrystals:
    """Crystals of the test part as pair spectra, in a byte for each wide bin.

    A bin is three times as wide as in the lake, and holds the square root of its
    value: G(r) is right within 1 % of its range for half of the crystals and 4 % for
    all, which changes the accuracies by 0.1 points.

    Parameters
    ----------
    ids
        The ids of the crystals, n of them.
    y
        Their classes, (n,), indices into the model's space groups.
    density
        Their number densities ρ0, (n,), in Å⁻³.
    spectra
        Their spectra for each radiation.
    formulas
        Their formulas; none of models of version 1.7 and before.
    """

    ids: tuple[str, ...]
    y: NDArray[np.int64]
    density: NDArray[np.float32]
    spectra: Mapping[str, SqrtQuantized]
    formulas: tuple[str, ...] = ()

    def simulate(
        self, conditions: Conditions
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the places of the crystals that are seen, (n_seen,), and their G.

        G is on the network's points, (n_seen, 209), in Å⁻².

        Raises
        ------
        ValueError
            If the spectra are not for this radiation, or too short.
        """
        if conditions.radiation not in self.spectra:
            raise ValueError(f"the model has no spectra for {conditions.radiation}.")
        if reach(conditions) > DMAX:
            raise ValueError(
                f"these conditions depend on distances beyond {DMAX:g} Å, where the "
                "spectra that the model carries end."
            )
        held = self.spectra[conditions.radiation]
        seen = np.flatnonzero(held.largest > 0)
        spectra = refine(held.expand(seen), _FACTOR, n_bins(DMAX))
        names = [self.ids[i] for i in seen]
        density = self.density[seen]
        return seen, simulate_input(spectra, density, names, conditions, DMAX)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that a file of weights holds."""
        arrays: dict[str, NDArray[Any]] = {
            "held_out/ids": pack_names(self.ids),
            "held_out/y": self.y.astype(np.int16),
            "held_out/density": self.density,
        }
        if self.formulas:
            arrays["held_out/formulas"] = pack_names(self.formulas)
        for radiation, held in self.spectra.items():
            arrays[f"held_out/levels/{radiation}"] = held.roots
            arrays[f"held_out/largest/{radiation}"] = held.largest
        return arrays

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> "TestCrystals":
        """Return the crystals of `to_arrays`."""
        start = "held_out/levels/"
        spectra = {
            name[len(start) :]: SqrtQuantized(
                roots, arrays[f"held_out/largest/{name[len(start) :]}"], _LEVELS
            )
            for name, roots in arrays.items()
            if name.startswith(start)
        }
        formulas = arrays.get("held_out/formulas")
        return cls(
            unpack_names(arrays["held_out/ids"]),
            arrays["held_out/y"].astype(np.int64),
            arrays["held_out/density"],
            spectra,
            () if formulas is None else unpack_names(formulas),
        )


def choose_test_crystals(
    ids: NDArray[np.str_],
    y: NDArray[np.int64],
    density: NDArray[np.float64],
    spectra: Mapping[str, NDArray[np.float32]],
    formulas: Sequence[str],
) -> TestCrystals:
    """Return crystals as a model carries them.

    Parameters
    ----------
    ids
        Their ids, (n,).
    y
        Their classes, (n,).
    density
        Their number densities ρ0, (n,), in Å⁻³.
    spectra
        Their pair spectra for each radiation, (n, n_bins) up to `DMAX`, zero for a
        crystal that it does not see.
    formulas
        Their formulas, n of them.
    """
    held = {
        radiation: SqrtQuantized.of(fine, _FACTOR, _LEVELS)
        for radiation, fine in spectra.items()
    }
    return TestCrystals(
        tuple(ids.tolist()), y, density.astype(np.float32), held, tuple(formulas)
    )


@dataclass(frozen=True)
class Reliability:
    """How often a model is right at the conditions of a PDF, on held-out crystals.

    Parameters
    ----------
    top1, top6
        The shares of held-out crystals whose group is the first, or among the first
        six, that the model names at these conditions.
    n
        The number of these crystals.
    alike_top1, alike_top6
        The same of those whose answer was as confident as the one in question.
    n_alike
        The number of these.
    """

    top1: Share
    top6: Share
    n: int
    alike_top1: Share
    alike_top6: Share
    n_alike: int


def reliability_of(
    confidence: float, confidences: NDArray[np.floating], ranks: NDArray[np.int64]
) -> Reliability:
    """Return the reliability of a prediction.

    Parameters
    ----------
    confidence
        The probability of the first group of the prediction.
    confidences
        The same of the predictions for test crystals, (n,).
    ranks
        The ranks of their true groups, (n,), 0 the first.
    """
    n_alike = max(round(ALIKE * ranks.size), min(ranks.size, 30))
    near = np.argsort(np.abs(confidences - confidence), kind="stable")[:n_alike]
    return Reliability(
        Share.of(ranks < 1), Share.of(ranks < 6), int(ranks.size),
        Share.of(ranks[near] < 1), Share.of(ranks[near] < 6), int(near.size),
    )  # fmt: skip
