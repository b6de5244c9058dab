"""Pair spectra in a byte for each wide bin, for models and libraries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gromega.pdf.bins import coarsen


@dataclass(frozen=True, eq=False)
class SqrtQuantized:
    """Spectra of wide bins as whole numbers: signed square roots of the values.

    Square roots give weak pairs a finer scale than strong ones.

    Parameters
    ----------
    roots
        The square roots, (n, n_coarse) int8, from -most to most.
    largest
        The largest absolute value of each spectrum, (n,) float32, in Å⁻¹, which a root
        of `most` stands for; 0 for a crystal without a scattering length.
    most
        The number of levels above zero, at most 127.
    """

    roots: NDArray[np.int8]
    largest: NDArray[np.float32]
    most: int

    @classmethod
    def of(
        cls, spectra: NDArray[np.float32], factor: int, most: int, n: int | None = None
    ) -> "SqrtQuantized":
        """Return the first n wide bins of spectra, (n_crystals, n_bins).

        Parameters
        ----------
        spectra
            The spectra.
        factor
            The width of a wide bin in those of the spectra.
        most
            The number of levels above zero.
        n
            The number of wide bins; all if None.
        """
        coarse = coarsen(spectra, factor)[:, :n]
        largest = np.abs(coarse).max(axis=1)
        share = coarse / np.where(largest > 0, largest, 1)[:, None]
        roots = np.sign(share) * np.sqrt(np.abs(share))
        return cls(np.round(most * roots).astype(np.int8), largest, most)

    def expand(
        self, rows: NDArray[np.int64] | slice = slice(None)
    ) -> NDArray[np.float32]:
        """Return the spectra of wide bins of some crystals, (n_rows, n_coarse)."""
        roots = self.roots[rows].astype(np.float32) / np.float32(self.most)
        spectra: NDArray[np.float32] = np.abs(roots) * roots * self.largest[rows, None]
        return spectra
