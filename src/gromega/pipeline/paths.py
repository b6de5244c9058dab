"""Paths that the stages read and write."""

from pathlib import Path

DATA, METRICS = Path("data"), Path("metrics")
CRYSTALS, SPLIT = DATA / "crystals.parquet", DATA / "split.parquet"
QUARANTINE, SUMMARY = DATA / "quarantine.csv", DATA / "crystals.json"
AUGMENTATION = DATA / "augmentation.parquet"
"""Crystals to train on in addition to the data set."""
OTHER_GROUPS = DATA / "other_groups.parquet"
"""Crystals of space groups that the data set lacks."""
SPECTRA, REFERENCE_PDFS = DATA / "spectra.zarr", DATA / "reference.zarr"
SWEEP_PDFS, PREDICTIONS = DATA / "sweeps", DATA / "predictions"
LIBRARY, SUBSAMPLES = DATA / "library.parquet", DATA / "subsamples.parquet"
NOVELTY = PREDICTIONS / "novelty.json"
"""Scores by novelty of the test crystals."""
REPORT = METRICS / "report"
RELEASED = Path("models/spacegroup")
"""The released model, whatever the pipeline trains."""
RELEASED_SCORES, RELEASED_CURVES = METRICS / "released.json", METRICS / "released"
TRAINED, MODEL = Path("models/trained"), Path("models/current")
