"""Where the stages find and leave what they make."""

from pathlib import Path

DATA, METRICS = Path("data"), Path("metrics")
CRYSTALS, SPLIT = DATA / "crystals.parquet", DATA / "split.parquet"
QUARANTINE = DATA / "quarantine.csv"
# Crystals to train on beside the data set.
EXTRA = DATA / "extra.parquet"
# Crystals of space groups that the data set has not.
OTHERS = DATA / "others.parquet"
SPECTRA, REFERENCE = DATA / "spectra.zarr", DATA / "reference.zarr"
LIBRARY = DATA / "library.parquet"
SWEEPS, ANSWERS, DRAWS = DATA / "sweeps", DATA / "answers", DATA / "draws.parquet"
REPORT = METRICS / "report"
TRAINED, MODEL = Path("models/trained"), Path("models/current")
