"""The library: known crystals whose PDFs are laid over a measured one."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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
"""Where that of the registry is pulled to."""
FORMAT = "gromega library 1"
FACTOR = 4
"""The width of a bin of the library, in bins of the lake: 0.08 Å."""
LEVELS = 63
N_COARSE = 282
"""Its bins reach 22.4 Å: G(r) at Qmax 23 Å⁻¹ is known up to 19.5 Å or so."""
STRAIN = 0.03
"""The largest strain by which a cell may differ from that of the library."""
FIRST_RMAX = 10.0
"""Å. Up to here all crystals are compared, then the best of them over all r."""
SHORTLIST = 200
"""The crystals of these that are compared over all r, of which a tenth at all Uiso."""
UISOS = (0.003, 0.0045, 0.0065, 0.009, 0.013, 0.019, 0.027)
"""Å², those that are tried."""
_FEWEST = 10
_FIRST_STRAINS = np.linspace(-STRAIN, STRAIN, 13)
_STRAINS = np.linspace(-STRAIN, STRAIN, 41)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Match:
    """A known crystal that was laid over a measured PDF.

    Parameters
    ----------
    id
        Its id.
    formula
        Its formula.
    number
        Its space group number.
    rw
        Rw = √(Σ (G - c G')² / Σ G²), G' being its PDF at the conditions of the
        measurement and c the scale that makes Rw least.
    strain
        By how much its cell was stretched, alike in all directions, to make Rw least.
    uiso
        Its Uiso, Å², the best of `UISOS`.
    g
        c G', (n,), on the points of `Matches`.
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
    r
        The points at which PDFs were compared, (n_r,), in Å.
    g
        The measured G(r) there, (n_r,), on the scale of its file.
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

    What that rounds off is an Rw of 0.03 for half of the crystals, of which little is
    seen: it adds to that of a match as squares do.

    Parameters
    ----------
    ids, formulas
        Their ids and formulas, n of each.
    space_groups
        Their space group numbers, (n,).
    density
        Their number densities ρ0, (n,), in Å⁻³.
    spectra
        Their spectra for each radiation.
    """

    ids: tuple[str, ...]
    formulas: tuple[str, ...]
    space_groups: NDArray[np.int64]
    density: Floats
    spectra: Mapping[str, SqrtQuantized]
    # Expanded once: that takes as long as comparing.
    _expanded: dict[str, Floats] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        return f"Library({len(self.ids):,} crystals)"

    def match(self, pdf: MeasuredPDF, count: int = 5) -> Matches:
        """Return the crystals whose PDFs at its conditions match a measured one best.

        Each may be stretched by up to 3 %, since cells by theory are wrong by a
        hundredth or two, and isostructural compounds differ by a few, and has the
        best of a few Uiso. All are compared up to 10 Å, the best 200 over all r.

        Parameters
        ----------
        pdf
            The measured PDF.
        count
            The number of crystals to return.

        Raises
        ------
        ValueError
            If the library is not for this radiation, or has no r in common with it.
        """
        omega = pdf.conditions()
        if omega.radiation not in self.spectra:
            raise ValueError(f"the library has no spectra for {omega.radiation}.")
        rmax = min(omega.rmax, _longest(omega))
        inside = points_within(omega.rmin, rmax)
        g = to_input(pdf)[inside]
        if inside.sum() < _FEWEST or not g.any():
            raise ValueError(
                "it has too little in common with the library, which reaches "
                f"{_longest(omega):.1f} Å at these conditions."
            )
        omega = replace(omega, rmax=rmax, noise=0.0)
        seen = self.spectra[omega.radiation].largest > 0
        spectra, density = self._spectra(omega.radiation), self.density
        op = input_operator(replace(omega, uiso=REFERENCE.uiso), DMAX)
        near = inside & (max(FIRST_RMAX, omega.rmin + 2.0) >= INPUT_R)
        similarity = np.where(seen, np.float32(-1), np.float32(-2))
        for strain in _FIRST_STRAINS:
            found = _similarity(op, near, spectra, density, g, strain)
            np.maximum(similarity, found, out=similarity, where=seen)
        rows = _highest(similarity, min(SHORTLIST, int(seen.sum())))
        spectra, density = spectra[rows], density[rows]
        over_all = np.stack(
            [_similarity(op, inside, spectra, density, g, s) for s in _STRAINS]
        )
        short = _highest(over_all.max(axis=0), SHORTLIST // 10)
        rows, spectra, density = rows[short], spectra[short], density[short]
        strains = _STRAINS[over_all[:, short].argmax(axis=0)]
        at_uiso = np.empty((len(UISOS), rows.size), np.float32)
        ops = [input_operator(replace(omega, uiso=uiso), DMAX) for uiso in UISOS]
        for k, op in enumerate(ops):
            for strain in np.unique(strains):
                same = strains == strain
                at_uiso[k, same] = _similarity(
                    op, inside, spectra[same], density[same], g, strain
                )
        best = []
        for i in _highest(at_uiso.max(axis=0), count):
            k, strain = int(at_uiso[:, i].argmax()), float(strains[i])
            of = slice(i, i + 1)
            (made,) = _stretched_pdfs(ops[k], inside, spectra[of], density[of], strain)
            best.append(self._match(int(rows[i]), made, g, strain, UISOS[k]))
        return Matches(int(seen.sum()), INPUT_R[inside], g, tuple(best))

    def _match(
        self, row: int, made: Floats, g: Floats, strain: float, uiso: float
    ) -> Match:
        # A Qdamp far too large leaves nothing of any G(r): Rw is 1 then.
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
    """Return the rmax, Å, up to which the library tells G(r) at these conditions."""
    tail = max(reach(replace(omega, uiso=uiso)) for uiso in UISOS) - omega.rmax
    return (N_COARSE - 2) * FACTOR * BIN_WIDTH * (1 - STRAIN) - tail


def _highest(values: Floats, n: int) -> NDArray[np.int64]:
    """Return the places of the n highest values, the highest first."""
    return np.argsort(-values, kind="stable")[:n]


def _similarity(
    op: Operator,
    inside: NDArray[np.bool_],
    spectra: Floats,
    density: Floats,
    g: Floats,
    strain: float,
) -> Floats:
    """Return the cosines between PDFs on some points and the first of g, (n,)."""
    pdfs = _stretched_pdfs(op, inside, spectra, density, strain)
    seen = g[: pdfs.shape[1]]
    lengths = np.linalg.norm(pdfs, axis=1) * np.linalg.norm(seen)
    return (pdfs @ seen) / np.maximum(lengths, 1e-12)


def _stretched_pdfs(
    op: Operator,
    inside: NDArray[np.bool_],
    spectra: Floats,
    density: Floats,
    strain: float,
) -> Floats:
    """Return the PDFs of stretched crystals on some points, (n, n_r), up to a factor.

    From coefficients of wide B-splines to point masses at their knots, which the
    strain moves, and from there to narrow B-splines. With all distances longer by 1 + s
    the peaks of G are lower by 1 + s and the density by its cube.
    """
    places, weights = _spread(strain)
    fine = op.matrix[inside]
    masses = sum(fine[:, places + k] * w for k, w in enumerate(weights))
    matrix = spline_coefficients(masses).astype(np.float32)
    # Pairs farther away have no part in it.
    n = math.ceil((op.r[inside][-1] + 3.0) / (FACTOR * BIN_WIDTH))
    baseline = op.baseline[inside] / np.float32((1 + strain) ** 2)
    return spectra[:, :n] @ matrix[:, :n].T + density[:, None] * baseline


@lru_cache
def _spread(strain: float) -> tuple[NDArray[np.int64], Floats]:
    """Return the first of the four narrow bins that hold each knot, and the shares."""
    place = np.arange(-1, N_COARSE - 1) * FACTOR * (1 + strain) + 1
    floor = np.floor(place)
    t = place - floor
    weights = np.stack([
        (1 - t) ** 3,
        3 * t**3 - 6 * t**2 + 4,
        -3 * t**3 + 3 * t**2 + 3 * t + 1,
        t**3,
    ]) / 6  # fmt: skip
    # Knots below zero, where no pair is.
    weights[:, floor < 1] = 0
    return np.maximum(floor.astype(np.int64) - 1, 0), weights.astype(np.float32)


def make_library(
    ids: NDArray[np.str_],
    formulas: list[str],
    space_groups: NDArray[np.int64],
    density: NDArray[np.float64],
    spectra: Mapping[str, NDArray[np.float32]],
) -> Library:
    """Return a library of crystals.

    Parameters
    ----------
    ids, formulas
        Their ids and formulas, n of each.
    space_groups
        Their space group numbers, (n,).
    density
        Their number densities ρ0, (n,), in Å⁻³.
    spectra
        Their pair spectra for each radiation, (n, n_bins) up to `DMAX`, zero for a
        crystal that it does not see.
    """
    held = {
        name: SqrtQuantized.of(fine, FACTOR, LEVELS, N_COARSE)
        for name, fine in spectra.items()
    }
    return Library(
        tuple(ids.tolist()), tuple(formulas), space_groups,
        density.astype(np.float32), held,
    )  # fmt: skip


def write_library(path: Path, library: Library) -> None:
    """Write a library to a parquet file, whole or not at all."""
    columns = {
        "id": pa.array(library.ids),
        "formula": pa.array(library.formulas),
        "space_group": pa.array(library.space_groups.astype(np.int16)),
        "density": pa.array(library.density),
    }
    for name, held in library.spectra.items():
        flat = pa.array(held.roots.ravel())
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, N_COARSE)
        columns[f"{name}_largest"] = pa.array(held.largest)
    facts = {
        "format": FORMAT, "bin_width": FACTOR * BIN_WIDTH, "levels": LEVELS,
        "radiations": list(library.spectra),
    }  # fmt: skip
    table = pa.table(columns).replace_schema_metadata({"gromega": json.dumps(facts)})
    partial = path.with_name(path.name + ".partial")
    pq.write_table(
        table, partial, compression="zstd", compression_level=19, use_dictionary=False
    )
    partial.replace(path)


def load_library(path: str | Path = LIBRARY) -> Library:
    """Return the library of a file, as `write_library` writes it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a library.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no library of known crystals; get it by 'dvc pull -r "
            "registry models/library.parquet.dvc', or take data/library.parquet of a "
            "pipeline."
        )
    try:
        table = pq.read_table(path)
        facts = json.loads((table.schema.metadata or {}).get(b"gromega", b"{}"))
        if facts.get("format") != FORMAT:
            raise ValueError(f"its format is {facts.get('format')!r}, not {FORMAT!r}")
        spectra = {}
        for name in facts["radiations"]:
            roots = table[name].combine_chunks().flatten().to_numpy()
            largest = table[f"{name}_largest"].to_numpy()
            roots = roots.reshape(-1, N_COARSE)
            spectra[name] = SqrtQuantized(roots, largest, facts["levels"])
        return Library(
            tuple(table["id"].to_pylist()),
            tuple(table["formula"].to_pylist()),
            table["space_group"].to_numpy().astype(np.int64),
            table["density"].to_numpy(),
            spectra,
        )
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a library of crystals ({error}).") from None
