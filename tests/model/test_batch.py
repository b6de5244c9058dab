import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from gromega import read_pdf
from gromega.model import batch
from gromega.model.batch import Failure, PredictOptions, predict_files
from gromega.model.io import save_model

QUICK = {"reliability": False}


@pytest.fixture
def folder(small_model, tmp_path):
    save_model(tmp_path / "tiny", small_model)
    return tmp_path / "tiny"


@pytest.fixture
def paths(files, tmp_path):
    """Two PDFs with one file that is none between them."""
    (tmp_path / "bad.gr").write_text("nothing\n")
    return [files / "25.gr", tmp_path / "bad.gr", files / "40.5.gr"]


def predict(paths, folder, output=batch.TEXT, **more):
    options = PredictOptions(folder, {}, QUICK, output, **more)
    return list(predict_files(paths, options, lambda n: None))


@pytest.mark.parametrize("size", [1, 2, 64])
def test_predictions_are_in_the_order_of_the_files(
    paths, folder, small_model, monkeypatch, size
):
    monkeypatch.setattr(batch, "_CHUNK", size)
    monkeypatch.setattr(batch, "n_cores", lambda: 1)
    first, bad, last = predict(paths, folder)
    for path, text in ((paths[0], first), (paths[2], last)):
        assert text.splitlines()[0] == str(path)
        expected = small_model.predict(read_pdf(path), reliability=False)
        assert text == f"{path}\n{expected}\n"
    assert isinstance(bad, Failure)
    assert "bad.gr" in bad.reason


def test_progress_counts_every_file_once(paths, folder):
    counts = []
    options = PredictOptions(folder, {}, QUICK)
    list(predict_files(paths, options, counts.append))
    assert sum(counts) == 3


def test_json_parts_make_one_object(paths, folder):
    form = batch.JSON
    parts = [t for t in predict(paths, folder, form) if isinstance(t, str)]
    whole = json.loads(form.head + form.between.join(parts) + form.tail)
    assert list(whole) == [str(paths[0]), str(paths[2])]
    assert [len(each["groups"]) for each in whole.values()] == [4, 4]


def test_csv_has_a_row_for_each_group(paths, folder, small_model):
    text = batch.CSV.head + predict(paths[:1], folder, batch.CSV)[0]
    rows = list(csv.DictReader(StringIO(text)))
    groups = small_model.predict(read_pdf(paths[0]), reliability=False).groups
    assert [int(row["number"]) for row in rows] == [c.number for c in groups]
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["in_set"] == "1" for row in rows] == [c.in_set for c in groups]


def test_options_of_reading_hold_for_all_files(paths, folder):
    options = PredictOptions(folder, {"qmax": 18.0}, QUICK, batch.JSON)
    parts = predict_files(paths, options, lambda n: None)
    found = [json.loads("{" + t + "}") for t in parts if isinstance(t, str)]
    assert [v["conditions"]["qmax"] for f in found for v in f.values()] == [18.0, 18.0]
    bad = PredictOptions(folder, {"qmaxx": 18.0}, QUICK)
    with pytest.raises(ValueError, match="qmaxx"):
        list(predict_files(paths, bad, lambda n: None))


def test_a_model_that_is_not_there_is_named(paths):
    with pytest.raises(FileNotFoundError, match="absent"):
        predict(paths, Path("absent"))


def test_a_figure_is_drawn_for_an_explained_prediction(paths, folder, tmp_path):
    figures = {paths[0]: tmp_path / "one"}
    # without an explanation, there is no importance to draw
    predict(paths, folder, figures=figures)
    assert not (tmp_path / "one.svg").exists()
    options = PredictOptions(folder, {}, {**QUICK, "explain": True}, figures=figures)
    list(predict_files(paths, options, lambda n: None))
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["one.svg"]
