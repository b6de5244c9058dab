"""Pair spectra in a byte for each wide bin, for models and libraries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gromega.pdf.bins import coarsen


@dataclass(frozen=True, eq=False)
class SqrtQuantized:
    """Spectra of wide bins as whole numbers: signed square roots of the values.

    Square roots give weak pairs a finer scale than strong ones. A root of `most`, at
    most 127, stands for the largest absolute value of its spectrum, which is 0 for a
    crystal without a scattering length.
    """

    roots: NDArray[np.int8]  # (n, n_coarse), from -most to most
    largest: NDArray[np.float32]  # (n,), in Å⁻¹
    most: int

    @classmethod
    def of(
        cls, spectra: NDArray[np.float32], factor: int, most: int, n: int | None = None
    ) -> "SqrtQuantized":
        """Return the first n wide bins of spectra, (n_crystals, n_bins), or all.

        A wide bin is `factor` times as wide as those of the spectra.
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
