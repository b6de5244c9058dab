"""Parts of the split with their PDFs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gromega.conditions import Box
from gromega.crystals.table import read_table
from gromega.lake.pdfs import read_pdfs
from gromega.lake.spectra import read_spectra
from gromega.lake.splits import read_part
from gromega.networks.logits import classes
from gromega.pdf.random_conditions import at_random
from gromega.pipeline.paths import CRYSTALS, REFERENCE_PDFS, SPECTRA, SPLIT
from gromega.training.inputs import Part


def part_of(name: str, groups: NDArray[np.int64]) -> Part:
    """Return a part of the split at the reference, its classes among some groups."""
    ids, labels = read_part(SPLIT, name)
    g = read_pdfs(REFERENCE_PDFS, ids)
    return Part(ids, g, classes(groups, labels))


def box_part(part: Part, box: Box, seeds: Sequence[int]) -> Part:
    """Return a part of the split at conditions from all over a box, once a seed."""
    spectra, density = read_spectra(SPECTRA, part.ids)
    parts = [at_random(spectra, density, box, seed) for seed in seeds]
    n = len(parts)
    return Part(np.tile(part.ids, n), np.concatenate(parts), np.tile(part.y, n))


def formulas_of(ids: NDArray[np.str_], crystals: Path = CRYSTALS) -> list[str]:
    """Return the formulas of crystals, each as often as it is asked for."""
    table = read_table(crystals, ["id", "formula"])
    columns = (table[name].to_pylist() for name in ("id", "formula"))
    formulas = dict(zip(*columns, strict=True))
    return [formulas[name] for name in ids.tolist()]
