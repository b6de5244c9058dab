"""Where the stages find and leave what they make."""

from pathlib import Path

DATA, METRICS = Path("data"), Path("metrics")
CRYSTALS, SPLIT = DATA / "crystals.parquet", DATA / "split.parquet"
QUARANTINE = DATA / "quarantine.csv"
# Crystals to train on beside the data set.
AUGMENTATION = DATA / "augmentation.parquet"
# Crystals of space groups that the data set has not.
OTHER_GROUPS = DATA / "other_groups.parquet"
SPECTRA, REFERENCE_PDFS = DATA / "spectra.zarr", DATA / "reference.zarr"
LIBRARY = DATA / "library.parquet"
SWEEP_PDFS, PREDICTIONS, SUBSAMPLES = (
    DATA / "sweeps",
    DATA / "predictions",
    DATA / "subsamples.parquet",
)
REPORT = METRICS / "report"
TRAINED, MODEL = Path("models/trained"), Path("models/current")
