from pathlib import Path

from gromega.evaluation.baselines import BASELINES
from gromega.lake.predictions import read_predictions
from gromega.lake.splits import read_part


def test_each_baseline_predicts_for_the_test_part(inside):
    ids, _ = read_part(Path("data/split.parquet"), "test")
    for name in BASELINES:
        found = read_predictions(Path(f"data/predictions/baselines/{name}.zarr"))
        assert found.ids.tolist() == ids.tolist()
        assert found.log_p.shape == (1, 6, 3)
        assert not found.model_sha256
