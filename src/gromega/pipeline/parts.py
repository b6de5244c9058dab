"""Parts of the split with their PDFs and classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import Box
from gromega.lake.pdfs import read_pdfs
from gromega.lake.spectra import read_spectra
from gromega.lake.splits import read_part
from gromega.networks.logits import classes
from gromega.pdf.random_conditions import simulate_at_random
from gromega.pipeline.paths import REFERENCE_PDFS, SPECTRA, SPLIT
from gromega.training.inputs import LabelledPDFs


def part_of(name: str, groups: NDArray[np.int64]) -> LabelledPDFs:
    """Return the PDFs of a part of the split at the reference.

    The classes are indices into the space groups of the model, (n_groups,).
    """
    ids, labels = read_part(SPLIT, name)
    g = read_pdfs(REFERENCE_PDFS, ids)
    return LabelledPDFs(ids, g, classes(groups, labels))


def box_part(part: LabelledPDFs, box: Box, seeds: Sequence[int]) -> LabelledPDFs:
    """Return the PDFs of the same n crystals at conditions drawn from a box.

    Each seed of conditions gives all crystals once: the result has len(seeds) × n rows.
    """
    spectra, density = read_spectra(SPECTRA, part.ids)
    parts = [simulate_at_random(spectra, density, box, seed) for seed in seeds]
    n = len(parts)
    return LabelledPDFs(np.tile(part.ids, n), np.concatenate(parts), np.tile(part.y, n))
