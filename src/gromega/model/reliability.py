"""Reliability: the accuracy of a model on test crystals at the conditions of a PDF."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gromega._util.intervals import Share
from gromega.conditions import Conditions
from gromega.model.sqrt_quantize import SqrtQuantized
from gromega.networks.logits import ranks
from gromega.pdf.bins import DMAX, n_bins, refine
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.operator import reach

SIMILAR = 0.1  # the share of test crystals with the most similar confidence
_FEWEST = 30
_FACTOR = 3
LEVELS = 127  # above zero, of the spectra of test crystals
_CACHE_SIZE = 256

Accuracy = tuple[NDArray[np.floating], NDArray[np.int64]]
"""The probability of the first group and the rank of the true one, 0 the first, both
(n,)."""


@dataclass(frozen=True, eq=False, repr=False)
class TestCrystals:
    """Crystals of the test part as pair spectra, in a byte for each wide bin.

    A bin is three times as wide as in the lake, and holds the square root of its
    value: the error of G(r) is below 1 % of its range for half of the crystals and
    below 4 % for all, which changes the accuracies by 0.1 percentage points.
    """

    ids: tuple[str, ...]
    y: NDArray[np.int64]  # classes, (n,), indices into the model's space groups
    density: NDArray[np.float32]  # ρ0, (n,), in Å⁻³
    spectra: Mapping[str, SqrtQuantized]  # for each radiation
    formulas: tuple[str, ...] = ()  # empty in models of version 1.7 and before

    def simulate(
        self, conditions: Conditions
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the indices of the valid crystals, (n_valid,), and their G, in Å⁻².

        G is on the network's grid, (n_valid, 209). A crystal is valid if all of its
        elements have a scattering length. Without spectra for the radiation, or if
        they are too short, a ValueError is raised.
        """
        if conditions.radiation not in self.spectra:
            raise ValueError(f"the model has no spectra for {conditions.radiation}.")
        if reach(conditions) > DMAX:
            raise ValueError(
                f"these conditions depend on distances beyond {DMAX:g} Å, where the "
                "spectra of the test crystals end."
            )
        quantized = self.spectra[conditions.radiation]
        valid = np.flatnonzero(quantized.largest > 0)
        spectra = refine(quantized.expand(valid), _FACTOR, n_bins(DMAX))
        ids = [self.ids[i] for i in valid]
        density = self.density[valid]
        return valid, simulate_input(spectra, density, ids, conditions, DMAX)


def pack_test_crystals(
    ids: Sequence[str],
    y: NDArray[np.int64],
    density: NDArray[np.float64],
    spectra: Mapping[str, NDArray[np.float32]],
    formulas: Sequence[str],
) -> TestCrystals:
    """Return n crystals in the compact form of a model.

    The densities are in Å⁻³; the pair spectra for each radiation, (n, n_bins) up to
    `DMAX`, are zero for a crystal with an element that has no scattering length.
    """
    quantized = {
        radiation: SqrtQuantized.of(fine, _FACTOR, LEVELS)
        for radiation, fine in spectra.items()
    }
    return TestCrystals(
        tuple(ids), y, density.astype(np.float32), quantized, tuple(formulas)
    )


@dataclass(frozen=True)
class Reliability:
    """The accuracy of a model on test crystals at the conditions of a PDF.

    Parameters
    ----------
    top1, top6
        The shares of test crystals whose true group is the first, or among the first
        six, of the prediction.
    n
        The number of test crystals.
    alike_top1, alike_top6, n_alike
        The same for test crystals predicted with a confidence similar to the PDF's.
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
    """Return the reliability of a prediction with a probability of its first group.

    The confidences are those of test crystals, (n,), and the ranks, (n,), 0 the first,
    those of their true groups.
    """
    n_alike = max(round(SIMILAR * ranks.size), min(ranks.size, _FEWEST))
    near = np.argsort(np.abs(confidences - confidence), kind="stable")[:n_alike]
    return Reliability(
        Share.of(ranks < 1), Share.of(ranks < 6), int(ranks.size),
        Share.of(ranks[near] < 1), Share.of(ranks[near] < 6), int(near.size),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ReliabilityTest:
    """The test of a model on its test crystals, which keeps its recent results.

    The function maps G, (n, 209), and compositions, or None, to log-probabilities,
    (n, n_groups).
    """

    crystals: TestCrystals
    log_probabilities: Callable[
        [NDArray[np.float32], Sequence[str] | None], NDArray[np.floating]
    ]
    # The threads of a server share it.
    _cache: dict[tuple[Conditions, bool], Accuracy] = field(default_factory=dict)

    def accuracy_at(
        self, conditions: Conditions, with_composition: bool = False
    ) -> Accuracy:
        """Return confidences and ranks for the valid test crystals.

        A ValueError is raised if these cannot be simulated, or have no formulas.
        """
        crystals = self.crystals
        if with_composition and not crystals.formulas:
            raise ValueError(
                "the test crystals of this model have no formulas; take "
                "models/spacegroup, or run 'dvc repro'."
            )
        result = self._cache.get((conditions, with_composition))
        if result is None:
            rows, g = crystals.simulate(conditions)
            given = [crystals.formulas[i] for i in rows] if with_composition else None
            log_p = self.log_probabilities(g, given)
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            result = np.exp(log_p.max(axis=1)), ranks(log_p, crystals.y[rows])
            self._cache[conditions, with_composition] = result
        return result
