"""Stage: the library of known crystals, to match measured PDFs with."""

from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.lake.splits import read_part
from gromega.model.library_io import write_library
from gromega.model.matches import make_library
from gromega.params import Params
from gromega.pdf.spectrum import spectra_by_radiation
from gromega.pipeline.paths import CRYSTALS, LIBRARY, SPLIT


def library(params: Params) -> None:
    """Make data/library.parquet, of the training part."""
    ids, space_groups = read_part(SPLIT, "train")
    table = rows_of(read_table(CRYSTALS), ids)
    density, spectra = spectra_by_radiation(crystals_of(table))
    formulas = table["formula"].to_pylist()
    made = make_library(ids, formulas, space_groups, density, spectra)
    write_library(LIBRARY, made)
