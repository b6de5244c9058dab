from types import SimpleNamespace

import pytest
from pyarrow import parquet
from releasable import write_pipeline

from gromega.lake.splits import read_part
from gromega.registry import start
from gromega.registry.release import ReleaseInfo, release


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The released model, and the files of its training in another version."""
    write_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = release(ReleaseInfo("spacegroup", "v1.0.0", "2 CPU cores", 1.0))
    split, crystals = (
        tmp_path / f"data/{name}.parquet" for name in ("split", "crystals")
    )
    parquet.write_table(parquet.read_table(split), split, compression="gzip")
    return folder, split, crystals


@pytest.mark.parametrize("other", ["", "fewer", "formula", "id", "test crystal"])
def test_a_model_that_carries_these_crystals_was_trained_with_them(
    files, monkeypatch, other
):
    _, split, _ = files
    ids = read_part(split, "train")[0].tolist()
    formulas = ["NaCl"] * len(ids)
    monkeypatch.setattr(start, "read_formulas", lambda path, ids: ["NaCl"] * len(ids))
    tested = read_part(split, "test")[0].tolist()[:2]
    if other == "formula":
        formulas[3] = "X" + formulas[3]
    elif other == "id":
        ids.append("not in the training part")
        formulas.append("NaCl")
    elif other == "fewer":
        # the split has more groups than the model
        ids.pop()
    elif other == "test crystal":
        tested[0] = ids[0]
    names = [f"{name} {formula}" for name, formula in zip(ids, formulas, strict=False)]
    model = SimpleNamespace(
        neighbours=SimpleNamespace(names=names),
        test_crystals=SimpleNamespace(ids=tested),
    )
    monkeypatch.setattr(start, "load_model", lambda folder: model)
    if other not in ("", "fewer"):
        with pytest.raises(ValueError, match=split.name):
            start.check_start(*files)
    else:
        start.check_start(*files)
