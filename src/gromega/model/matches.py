"""Matches: known crystals whose simulated PDFs fit a measured one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.formula import display_formula
from gromega.measured.pdf import MeasuredPDF
from gromega.measured.resample import to_input
from gromega.model.sqrt_quantize import SqrtQuantized
from gromega.pdf.bins import BIN_WIDTH, DMAX, spline_coefficients
from gromega.pdf.network_grid import INPUT_R, input_operator, points_within
from gromega.pdf.operator import Operator, reach

LIBRARY = Path("models/library.parquet")
FACTOR = 4
"""The width of a bin of the library, in bins of the lake: 0.08 Å."""
LEVELS = 63
N_COARSE = 282
"""The number of bins, up to 22.4 Å: enough for G(r) up to 19.5 Å at Qmax 23 Å⁻¹."""
STRAIN = 0.03
"""The largest strain of the cell of a match."""
FIRST_RMAX = 10.0
"""Å. All crystals are compared up to here, the best of them then over all r."""
SHORTLIST = 200
"""The number of crystals compared over all r; a tenth of them at all Uiso."""
UISOS = (0.003, 0.0045, 0.0065, 0.009, 0.013, 0.019, 0.027)
"""The values of Uiso to try, Å²."""
_FEWEST = 10
_FIRST_STRAINS = np.linspace(-STRAIN, STRAIN, 13)
_STRAINS = np.linspace(-STRAIN, STRAIN, 41)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Match:
    """A known crystal whose PDF was fitted to a measured one.

    Parameters
    ----------
    id, formula, number
        The id, the formula as chemists write it, and the space group number.
    rw
        The Rw = √(Σ (G - c G')² / Σ G²), where G' is its PDF at the conditions of the
        measurement and c the scale with the least Rw.
    strain
        The isotropic strain of the cell with the least Rw.
    uiso
        The Uiso with the least Rw, one of `UISOS`, in Å².
    g
        The c G', (n_r,), at the r of `Matches`.
    """

    id: str
    formula: str
    number: int
    rw: float
    strain: float
    uiso: float
    g: Floats


@dataclass(frozen=True)
class Matches:
    """The known crystals that fit a measured PDF best.

    Parameters
    ----------
    n
        The number of crystals that were compared.
    r, g
        The points of the comparison, (n_r,), in Å, and the measured G(r) there.
    best
        The crystals, least Rw first.
    """

    n: int
    r: NDArray[np.float64]
    g: Floats
    best: tuple[Match, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Library:
    """Known crystals as pair spectra, in a byte for each bin of 0.08 Å up to 22.4 Å.

    The rounding alone is an Rw of 0.03 for half of the crystals; it adds to that of a
    match in squares, so it matters little.

    Parameters
    ----------
    ids, formulas, space_groups
        The ids, formulas and space group numbers, n of each.
    density
        The number densities ρ0, (n,), in Å⁻³.
    spectra
        The spectra for each radiation.
    """

    ids: tuple[str, ...]
    formulas: tuple[str, ...]
    space_groups: NDArray[np.int64]
    density: Floats
    spectra: Mapping[str, SqrtQuantized]
    # Expanded once: it takes as long as a comparison.
    _expanded: dict[str, Floats] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __repr__(self) -> str:
        """Return the number of crystals."""
        return f"Library({len(self.ids):,} crystals)"

    def match(self, pdf: MeasuredPDF, count: int = 5) -> Matches:
        """Return the crystals whose PDFs at its conditions fit a measured one best.

        The cell of each may change by up to 3 %, since calculated cells are wrong by
        one or two percent and those of isostructural compounds differ by a few; its
        Uiso is the best of a few. All are compared up to 10 Å, the best 200 over all r.

        Raises
        ------
        ValueError
            If the library has no spectra for the radiation, or its r do not overlap.
        """
        omega = pdf.conditions()
        if omega.radiation not in self.spectra:
            raise ValueError(f"the library has no spectra for {omega.radiation}.")
        rmax = min(omega.rmax, _longest(omega))
        inside = points_within(omega.rmin, rmax)
        g = to_input(pdf)[inside]
        if inside.sum() < _FEWEST or not g.any():
            raise ValueError(
                "the PDF has too few points below the rmax of the library, "
                f"{_longest(omega):.1f} Å at these conditions."
            )
        omega = replace(omega, rmax=rmax, noise=0.0)
        valid = self.spectra[omega.radiation].largest > 0
        op = input_operator(replace(omega, uiso=REFERENCE.uiso), DMAX)
        near = inside & (max(FIRST_RMAX, omega.rmin + 2.0) >= INPUT_R)
        crystals = _Crystals(self._spectra(omega.radiation), self.density)
        similarity = np.where(valid, np.float32(-1), np.float32(-2))
        for strain in _FIRST_STRAINS:
            found = crystals.similarity(op, near, strain, g)
            np.maximum(similarity, found, out=similarity, where=valid)
        rows = _highest(similarity, min(SHORTLIST, int(valid.sum())))
        crystals = crystals[rows]
        over_all = np.stack([crystals.similarity(op, inside, s, g) for s in _STRAINS])
        short = _highest(over_all.max(axis=0), SHORTLIST // 10)
        rows, crystals = rows[short], crystals[short]
        strains = _STRAINS[over_all[:, short].argmax(axis=0)]
        at_uiso = np.empty((len(UISOS), rows.size), np.float32)
        ops = [input_operator(replace(omega, uiso=uiso), DMAX) for uiso in UISOS]
        for k, op in enumerate(ops):
            for strain in np.unique(strains):
                same = strains == strain
                at_uiso[k, same] = crystals[same].similarity(op, inside, strain, g)
        best = []
        for i in _highest(at_uiso.max(axis=0), count):
            k, strain = int(at_uiso[:, i].argmax()), float(strains[i])
            (made,) = crystals[i : i + 1].pdfs(ops[k], inside, strain)
            best.append(self._match(int(rows[i]), made, g, strain, UISOS[k]))
        return Matches(int(valid.sum()), INPUT_R[inside], g, tuple(best))

    def _match(
        self, row: int, made: Floats, g: Floats, strain: float, uiso: float
    ) -> Match:
        # A far too large Qdamp makes every G(r) zero: Rw is 1 then.
        scale = max(float(made @ g) / (float(made @ made) or math.inf), 0.0)
        rw = math.sqrt(float(np.sum((g - scale * made) ** 2) / np.sum(g**2)))
        return Match(
            self.ids[row], display_formula(self.formulas[row]),
            int(self.space_groups[row]), rw,
            round(strain, 6), uiso, (scale * made).astype(np.float32),
        )  # fmt: skip

    def _spectra(self, radiation: str) -> Floats:
        if radiation not in self._expanded:
            self._expanded[radiation] = self.spectra[radiation].expand()
        return self._expanded[radiation]


def _longest(omega: Conditions) -> float:
    """Return the largest rmax, Å, that the library allows at these conditions."""
    tail = max(reach(replace(omega, uiso=uiso)) for uiso in UISOS) - omega.rmax
    return (N_COARSE - 2) * FACTOR * BIN_WIDTH * (1 - STRAIN) - tail


def _highest(values: Floats, n: int) -> NDArray[np.int64]:
    """Return the indices of the n highest values, the highest first."""
    return np.argsort(-values, kind="stable")[:n]


@dataclass(frozen=True)
class _Crystals:
    """The spectra, (n, n_coarse), and densities, (n,), of crystals to compare."""

    spectra: Floats
    density: Floats

    def __getitem__(self, rows: Any) -> "_Crystals":
        return _Crystals(self.spectra[rows], self.density[rows])

    def similarity(
        self, op: Operator, inside: NDArray[np.bool_], strain: float, g: Floats
    ) -> Floats:
        """Return the cosines between PDFs on some points and the first of g, (n,)."""
        pdfs = self.pdfs(op, inside, strain)
        measured = g[: pdfs.shape[1]]
        lengths = np.linalg.norm(pdfs, axis=1) * np.linalg.norm(measured)
        cosines: Floats = (pdfs @ measured) / np.maximum(lengths, 1e-12)
        return cosines

    def pdfs(self, op: Operator, inside: NDArray[np.bool_], strain: float) -> Floats:
        """Return stretched PDFs on some points, (n, n_r), up to a factor.

        The coefficients of wide B-splines become point masses at their knots, which the
        strain moves, and these become narrow B-splines. With all distances longer by
        1 + s, the peaks of G are lower by 1 + s and the density by its cube.
        """
        first, weights = _spread(strain)
        fine = op.matrix[inside]
        masses = sum(fine[:, first + k] * w for k, w in enumerate(weights))
        matrix = spline_coefficients(masses).astype(np.float32)
        # Pairs farther away do not contribute.
        n = math.ceil((op.r[inside][-1] + 3.0) / (FACTOR * BIN_WIDTH))
        baseline = op.baseline[inside] / np.float32((1 + strain) ** 2)
        spectra = self.spectra[:, :n]
        pdfs: Floats = spectra @ matrix[:, :n].T + self.density[:, None] * baseline
        return pdfs


@lru_cache
def _spread(strain: float) -> tuple[NDArray[np.int64], Floats]:
    """Return the first of the four narrow bins that hold each knot, and the shares."""
    knots = np.arange(-1, N_COARSE - 1) * FACTOR * (1 + strain) + 1
    floor = np.floor(knots)
    t = knots - floor
    weights = np.stack([
        (1 - t) ** 3,
        3 * t**3 - 6 * t**2 + 4,
        -3 * t**3 + 3 * t**2 + 3 * t + 1,
        t**3,
    ]) / 6  # fmt: skip
    # Knots below zero have no pairs.
    weights[:, floor < 1] = 0
    return np.maximum(floor.astype(np.int64) - 1, 0), weights.astype(np.float32)


def make_library(
    ids: NDArray[np.str_],
    formulas: list[str],
    space_groups: NDArray[np.int64],
    density: NDArray[np.float64],
    spectra: Mapping[str, NDArray[np.float32]],
) -> Library:
    """Return a library of n crystals.

    The densities are in Å⁻³; the pair spectra for each radiation, (n, n_bins) up to
    `DMAX`, are zero for a crystal with an element that has no scattering length.
    """
    quantized = {
        name: SqrtQuantized.of(fine, FACTOR, LEVELS, N_COARSE)
        for name, fine in spectra.items()
    }
    return Library(
        tuple(ids.tolist()), tuple(formulas), space_groups,
        density.astype(np.float32), quantized,
    )  # fmt: skip
