"""Reliability: the accuracy of a model on test crystals at the conditions of a PDF."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import Conditions
from gromega.model.familiarity import KNOWN, NEW, UNSURE
from gromega.model.intervals import Share
from gromega.model.sqrt_quantize import SqrtQuantized
from gromega.networks.logits import ranks
from gromega.pdf.bins import DMAX, n_bins, refine
from gromega.pdf.network_grid import simulate_input
from gromega.pdf.operator import reach

SIMILAR = 0.1  # the share of test crystals with the most similar confidence
_FEWEST = 100
_FACTOR = 3
SHARE = 0.05
"""The largest share of familiar test crystals that is called unlike."""
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
    # Training crystals of the same structure type, (n,); None in models up to v1.8.
    relatives: NDArray[np.int64] | None = None

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
    relatives: NDArray[np.int64] | None = None,
) -> TestCrystals:
    """Return n crystals in the compact form of a model.

    The densities are in Å⁻³; the pair spectra for each radiation, (n, n_bins) up to
    `DMAX`, are zero for a crystal with an element that has no scattering length; the
    relatives are the training crystals of the same structure type, (n,).
    """
    quantized = {
        radiation: SqrtQuantized.of(fine, _FACTOR, LEVELS)
        for radiation, fine in spectra.items()
    }
    return TestCrystals(
        tuple(ids), y, density.astype(np.float32), quantized, tuple(formulas), relatives
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
        The number of test crystals: those of the structure types that the user states.
    alike_top1, alike_top6, n_alike
        The same for test crystals predicted with a confidence similar to the PDF's.
    if_known, if_new
        As `alike_top1`, if the structure type is known, or new; None if the model was
        not calibrated for these cases.
    """

    top1: Share
    top6: Share
    n: int
    alike_top1: Share
    alike_top6: Share
    n_alike: int
    if_known: Share | None = None
    if_new: Share | None = None


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
    (n, n_groups), by structure type, and to the scores of unlike PDFs, (n,).
    """

    crystals: TestCrystals
    log_probabilities: Callable[
        [NDArray[np.float32], Sequence[str] | None],
        tuple[Mapping[str, NDArray[np.floating]], NDArray[np.float32]],
    ]
    # The threads of a server share it.
    _cache: dict[tuple[Conditions, bool], tuple[dict[str, Accuracy], float]] = field(
        default_factory=dict
    )

    def accuracy_at(
        self,
        conditions: Conditions,
        with_composition: bool = False,
        structure_type: str = UNSURE,
    ) -> Accuracy:
        """Return confidences and ranks for the valid test crystals.

        If the structure type is ``known`` or ``new``, they are for test crystals of
        known or new types, predicted as such. A ValueError is raised if the crystals
        cannot be simulated, have no formulas, or if there are none of the type.
        """
        found, _ = self._cases_at(conditions, with_composition)
        if structure_type not in found:
            raise ValueError(
                f"the model has no test crystals of {structure_type} structure types."
            )
        return found[structure_type]

    def reliability(
        self,
        confidence: Mapping[str, float],
        conditions: Conditions,
        with_composition: bool,
        structure_type: str = UNSURE,
    ) -> Reliability:
        """Return the reliability of a prediction with a confidence for each case.

        The errors are those of `accuracy_at`.
        """
        accuracy = self.accuracy_at(conditions, with_composition, structure_type)
        found, _ = self._cases_at(conditions, with_composition)
        known, new = (
            reliability_of(confidence[case], *found[case]).alike_top1
            if case in found
            else None
            for case in (KNOWN, NEW)
        )
        made = reliability_of(confidence[structure_type], *accuracy)
        return replace(made, if_known=known, if_new=new)

    def unlike_limit(self, conditions: Conditions, with_composition: bool) -> float:
        """Return the score above which a PDF is unlike those of all crystals.

        It is 0, or higher if more than `SHARE` of the test crystals of known structure
        types would be above 0 at these conditions. The errors are those of
        `accuracy_at`.
        """
        return max(0.0, self._cases_at(conditions, with_composition)[1])

    def _cases_at(
        self, conditions: Conditions, with_composition: bool
    ) -> tuple[dict[str, Accuracy], float]:
        crystals = self.crystals
        if with_composition and not crystals.formulas:
            raise ValueError(
                "the test crystals of this model have no formulas; take "
                "models/spacegroup, or run 'dvc repro'."
            )
        found = self._cache.get((conditions, with_composition))
        if found is None:
            rows, g = crystals.simulate(conditions)
            given = [crystals.formulas[i] for i in rows] if with_composition else None
            cases: dict[str, Accuracy] = {}
            by_case, scores = self.log_probabilities(g, given)
            for case, log_p in by_case.items():
                of_case = _is_of_case(case, crystals.relatives, rows)
                if of_case.any():
                    log_p, y = log_p[of_case], crystals.y[rows[of_case]]
                    cases[case] = np.exp(log_p.max(axis=1)), ranks(log_p, y)
            familiar = _is_of_case(KNOWN, crystals.relatives, rows)
            inside = scores[familiar] if familiar.any() else scores
            found = cases, float(np.quantile(inside, 1 - SHARE))
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[conditions, with_composition] = found
        return found


def _is_of_case(
    case: str, relatives: NDArray[np.int64] | None, rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return whether test crystals, (n,), are of a case."""
    if case == UNSURE:
        return np.ones(rows.size, bool)
    if relatives is None:
        return np.zeros(rows.size, bool)
    return np.asarray((relatives[rows] == 0) == (case == NEW))
