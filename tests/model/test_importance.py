import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gromega import read_pdf, simulate
from gromega._util.plotting import save_figure
from gromega.cli.main import app
from gromega.conditions import REFERENCE, Conditions
from gromega.model.importance import find_importance
from gromega.model.io import save_model
from gromega.model.library_io import write_library
from gromega.model.model import Model
from gromega.model.prediction_figure import prediction_figure
from gromega.networks.build import make_network
from gromega.networks.weights import to_arrays
from gromega.pdf.network_grid import INPUT_R
from gromega.web.app import EXAMPLES

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}


@pytest.fixture(scope="module")
def pdf(classics):
    r, g = simulate([classics[9]], Conditions(rmax=22.0))
    rows = "\n".join(f"{x:.5f} {y:.6f}" for x, y in zip(r, g[0], strict=True))
    return read_pdf(StringIO(rows), qmax=23.0)


@pytest.fixture(scope="module")
def model():
    network = make_network(NETWORK, 3, 0)
    return Model(to_arrays(network), np.array([136, 166, 225]), NETWORK, REFERENCE, {})


def test_the_windows_that_a_model_looks_at_are_found(pdf):
    looked_at = (INPUT_R > 6) & (INPUT_R < 8)

    def log_probabilities(g):
        size = np.abs(g[:, looked_at]).sum(axis=1)
        log_p = np.stack([np.zeros(len(g)), size / size.max()], axis=1)
        return log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))

    found = find_importance(log_probabilities, pdf)
    away = np.abs(found.centres - 7)
    assert (found.values[away < 0.6] > 0.1).all()
    np.testing.assert_allclose(found.values[away > 2.1], 0, atol=1e-6)
    # windows within what was measured, and the PDF that the model saw
    assert found.centres[0] - 1 >= 1.5
    assert found.centres[-1] + 1 <= 22 + 1e-6
    assert found.r[-1] <= 22


def test_an_explained_prediction_has_importance_and_matches(model, library, pdf):
    alone = model.predict(pdf)
    explained = model.predict(pdf, explain=True, library=library)
    assert alone.importance is None and alone.matches is None
    assert alone.to_mapping()["importance"] is None
    assert explained.groups == alone.groups
    best = explained.matches.best[0]
    assert (best.id, best.number, best.formula) == ("rutile", 10, "TiO2")
    values = json.loads(json.dumps(explained.to_mapping(), allow_nan=False))
    assert values["matches"]["best"][0]["rw"] == pytest.approx(best.rw, abs=1e-4)
    assert list(values["importance"]) == ["r", "g", "width", "centres", "values"]
    assert len(values["importance"]["r"]) == len(values["importance"]["g"])
    assert list(values["matches"]) == ["n", "r", "g", "best"]
    assert f"TiO2 (rutile, 10), Rw {best.rw:.2f}" in str(explained)


def test_the_most_important_windows_support_the_group(model, pdf):
    explained = model.predict(pdf, explain=True)
    importance = explained.importance
    strongest = importance.centres[importance.values.argmax()]
    assert importance.highest()[0] == strongest
    assert f"near {strongest:.1f}" in str(explained)
    values = np.where(np.arange(importance.values.size) == 4, 0.2, -0.1)
    one = replace(importance, values=values)
    assert one.highest() == [importance.centres[4]]
    none = replace(explained, importance=replace(one, values=np.minimum(values, 0)))
    assert "no single window" in str(none)


def test_where_nothing_can_be_laid_over_it_the_prediction_says_why(model, library, pdf):
    r = np.arange(24.0, 30.0, 0.02)
    rows = "\n".join(f"{x:.3f} {np.sin(9 * x):.5f}" for x in r)
    prediction = model.predict(read_pdf(StringIO(rows)), explain=True, library=library)
    assert prediction.matches is None
    assert prediction.notes[-1].startswith("no known crystal was compared: ")


def test_the_figure_of_a_prediction_is_the_same_each_time(
    model, library, pdf, tmp_path
):
    prediction = model.predict(pdf, explain=True, library=library)
    parts = prediction.groups, prediction.importance, prediction.matches
    for name in ("one", "other"):
        save_figure(prediction_figure(*parts, "a.gr"), tmp_path / name)
    for ending in (".svg", ".png"):
        one, other = (
            (tmp_path / name).with_suffix(ending).read_bytes()
            for name in ("one", "other")
        )
        assert one == other
    assert "<svg" in prediction._repr_html_()
    assert "<svg" not in model.predict(pdf)._repr_html_()


def test_the_command_draws_a_figure_for_each_file(
    model, library, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "tiny", model)
    write_library(tmp_path / "library.parquet", library)
    for name in ("a.1.gr", "a_1.gr"):
        Path(name).write_text(EXAMPLES["rutile-synchrotron.gr"])
    ask = ["predict", "a.1.gr", "a_1.gr", "--model", "tiny", "--figures", "figures"]
    drawn = CliRunner().invoke(app, [*ask, "--library", "library.parquet"])
    assert drawn.exit_code == 0
    assert drawn.stdout.count("best match: TiO2 (rutile, 10)") == 2
    made = sorted(path.name for path in Path("figures").iterdir())
    assert made == ["a_1_gr.png", "a_1_gr.svg", "a_1_gr_.png", "a_1_gr_.svg"]
    laid = ["predict", "a.1.gr", "--model", "tiny", "--library", "library.parquet"]
    assert "best match: TiO2" in CliRunner().invoke(app, laid).stdout
    without = CliRunner().invoke(
        app, ["predict", "a.1.gr", "--model", "tiny", "--explain"]
    )
    assert "most important r for" in without.stdout
    assert "best match" not in without.stdout
    assert "dvc pull models/library.parquet.dvc" in without.stderr
