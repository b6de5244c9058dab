"""Pair spectra of crystals as a value: computed once, simulated at any number of Ω."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf.bins import DMAX
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.spectrum import make_spectra


@dataclass(frozen=True, eq=False)
class PairSpectra:
    """The pair spectra of n crystals, as `pair_spectra` returns them."""

    ids: tuple[str, ...]
    radiation: str
    dmax: float  # the longest distance, in Å
    density: NDArray[np.float64]  # ρ0, (n,), in Å⁻³
    spectra: NDArray[np.float32]  # p(d)/d, (n, n_bins), in Å⁻¹

    def __repr__(self) -> str:
        """Return the number of crystals, the radiation and the longest distance."""
        n = len(self.ids)
        return f"PairSpectra({n} crystals, {self.radiation}, to {self.dmax:g} Å)"

    def simulate(
        self, conditions: Conditions = REFERENCE, seed: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return r, (n_r,) in Å, and G(r, Ω), (n, n_r) in Å⁻².

        Both are those of `gromega.simulate`, but the distances are not computed again.

        Parameters
        ----------
        conditions
            The conditions Ω; the reference by default.
        seed
            The seed of the noise.

        Raises
        ------
        ValueError
            If the radiation is another one, or G(r) needs longer distances than `dmax`.
        """
        if conditions.radiation != self.radiation:
            raise ValueError(
                f"these pair spectra are for the radiation {self.radiation}, got "
                f"{conditions.radiation}; compute others with pair_spectra."
            )
        op = build_operator(conditions, self.dmax)
        g = apply_operator(op, self.spectra, self.density)
        return op.r, add_crystal_noise(op, g, self.ids, seed)


def pair_spectra(
    crystals: Sequence[Crystal], radiation: str = "xray", dmax: float = DMAX
) -> PairSpectra:
    """Compute the pair spectra of crystals, on all cores.

    Parameters
    ----------
    crystals
        The crystals, n of them.
    radiation
        The radiation, ``"xray"`` or ``"neutron"``.
    dmax
        The longest distance in Å. G(r) up to rmax needs rmax + 12π/Qmax and the tail of
        a peak; the default suffices for rmax 30 Å with Qmax down to 10 Å⁻¹.

    Raises
    ------
    ValueError
        If `crystals` is no list, or an element has no scattering length for this
        radiation.
    """
    spectra = make_spectra(crystals, radiation, dmax)
    density = np.array([crystal.density for crystal in crystals], np.float64)
    ids = tuple(crystal.id for crystal in crystals)
    return PairSpectra(ids, radiation, dmax, density, spectra)
