"""The engine for exact x-ray form factors: G(r, Ω) with weights that depend on Q.

With f(Q), G is not linear in one pair spectrum p but in its parts p_ab of each pair of
elements,

    F(Q) = Σ_ab h_a h_b F_ab(Q) + ρ0 F_b(Q),   h_a = f_a(Q) <f(0)> / (f_a(0) <f(Q)>),

where F_ab is the sine transform of the peaks of p_ab, F_b that of the baseline -4πr,
and <f> = Σ o f / Σ o. All other steps are those of `gromega.pdf.operator`, and where
f is constant, so is G. A crystal of k elements takes k (k + 1) / 2 spectra: this is for
test sets.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf.bins import BIN_WIDTH, n_bins
from gromega.pdf.form_factors import form_factors
from gromega.pdf.operator import check_reach, output_of, theta_of, transform_arrays
from gromega.pdf.scattering import site_weights

Floats = NDArray[np.float64]


def spectra_by_elements(
    crystal: Crystal, dmax: float, extra_uiso: Floats
) -> dict[tuple[int, int], Floats]:
    """Return the parts of an x-ray pair spectrum by their two atomic numbers a ≤ b.

    Their sum is that of `gromega.pdf.spectrum.pair_spectrum`, (n_bins(dmax),) in Å⁻¹,
    whose arguments these are.
    """
    # Numba takes a third of a second to import: most stages do without it.
    from gromega.pdf.pairs import add_pairs

    weights = site_weights(crystal, "xray")

    def spectrum(a: int, b: int, sign: float = 1.0) -> Floats:
        of = np.isin(crystal.numbers, (a, b))
        signed = np.where(crystal.numbers == a, sign, 1.0) * weights
        out = np.zeros(n_bins(dmax))
        add_pairs(
            crystal.lattice, crystal.frac[of], signed[of], extra_uiso[of], dmax,
            BIN_WIDTH, out,
        )  # fmt: skip
        return out

    numbers = np.unique(crystal.numbers).tolist()
    # Pairs of a and b alone change their sign with that of the weights of a.
    return {
        (a, b): spectrum(a, a) if a == b else (spectrum(a, b) - spectrum(a, b, -1)) / 2
        for i, a in enumerate(numbers)
        for b in numbers[i:]
    }


def exact_pdfs(
    crystals: Sequence[Crystal],
    conditions: Conditions,
    dmax: float,
    extra_uiso: Sequence[Floats],
    r: Floats | None = None,
    readout: Floats | None = None,
) -> NDArray[np.float32]:
    """Return G(r, Ω) of crystals by x-rays with f(Q), (n, n_r) in Å⁻², without noise.

    Parameters
    ----------
    crystals, conditions
        The crystals, n of them, and the conditions Ω.
    dmax
        The longest distance in Å.
    extra_uiso
        The Uiso of the atoms of each crystal beyond that of the conditions, in Å².
    r, readout
        The output, as in `gromega.pdf.operator.build_operator`.

    Raises
    ------
    ValueError
        If dmax is too short for the conditions, or an element has no form factor.
    """
    check_reach(conditions, dmax)
    _, readout = output_of(conditions, r, readout)
    q, peaks, baseline, back = transform_arrays(
        theta_of(conditions), readout, n_bins(dmax)
    )
    g = np.empty((len(crystals), len(readout)), np.float32)
    for row, crystal, extra in zip(g, crystals, extra_uiso, strict=True):
        ratios = _relative_factors(crystal, q)
        f = crystal.density * baseline
        for (a, b), part in spectra_by_elements(crystal, dmax, extra).items():
            f += ratios[a] * ratios[b] * (peaks @ part)
        row[:] = back @ f
    return g


def _relative_factors(crystal: Crystal, q: Floats) -> dict[int, Floats]:
    """Return h_a(Q), (n_q,), by atomic number."""
    numbers, kinds = np.unique(crystal.numbers, return_inverse=True)
    shares = np.bincount(kinds, site_weights(crystal, "xray"))
    ratios = form_factors(numbers, q)
    mean = shares @ ratios / shares.sum()
    return dict(zip(numbers.tolist(), ratios / mean, strict=True))
