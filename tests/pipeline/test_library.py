from pathlib import Path

from gromega.lake.splits import read_part
from gromega.model.library_io import load_library


def test_the_library_has_the_crystals_of_the_training_part(inside):
    library = load_library(Path("data/library.parquet"))
    ids, _ = read_part(Path("data/split.parquet"), "train")
    assert sorted(library.ids) == sorted(ids)
