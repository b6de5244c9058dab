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
from gromega.model.importance import find_evidence
from gromega.model.matches import write_library
from gromega.model.model import Model, save_model
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

    found = find_evidence(log_probabilities, pdf)
    away = np.abs(found.centres - 7)
    assert (found.speaks[away < 0.6] > 0.1).all()
    np.testing.assert_allclose(found.speaks[away > 2.1], 0, atol=1e-6)
    # windows within what was measured, and the PDF that the model saw
    assert found.centres[0] - 1 >= 1.5
    assert found.centres[-1] + 1 <= 22 + 1e-6
    assert found.r[-1] <= 22
    assert found.matches is None


def test_an_answer_holds_its_evidence(model, library, pdf):
    plain = model.predict(pdf)
    answer = model.predict(pdf, evidence=True, library=library)
    assert plain.evidence is None
    assert plain.to_mapping()["evidence"] is None
    assert answer.groups == plain.groups
    best = answer.evidence.matches.best[0]
    assert (best.id, best.number) == ("rutile", 10)
    values = json.loads(json.dumps(answer.to_mapping(), allow_nan=False))
    evidence = values["evidence"]
    assert evidence["matches"]["best"][0]["rw"] == pytest.approx(best.rw, abs=1e-4)
    assert len(evidence["r"]) == len(evidence["g"])
    assert len(evidence["windows"]["centre"]) == len(evidence["windows"]["speaks"])
    assert f"best match: {best.formula} (rutile, 10), Rw {best.rw:.2f}" in str(answer)
    strongest = answer.evidence.centres[answer.evidence.speaks.argmax()]
    assert f": r near {strongest:.1f}, " in str(answer)
    # what speaks against the group does not speak for it
    speaks = np.where(np.arange(answer.evidence.speaks.size) == 4, 0.2, -0.1)
    one = replace(answer.evidence, speaks=speaks)
    assert one.speaks_most() == f"{one.centres[4]:.1f}"
    none = replace(answer, evidence=replace(one, speaks=np.minimum(speaks, 0)))
    assert f"speaks most for {none.groups[0].number}: no r alone" in str(none)


def test_where_nothing_can_be_laid_over_it_the_answer_says_why(model, library, pdf):
    r = np.arange(24.0, 30.0, 0.02)
    rows = "\n".join(f"{x:.3f} {np.sin(9 * x):.5f}" for x in r)
    answer = model.predict(read_pdf(StringIO(rows)), evidence=True, library=library)
    assert answer.evidence.matches is None
    assert answer.warnings[-1].startswith("no known crystal was laid over it: it has")


def test_the_figure_of_an_answer_is_the_same_each_time(model, library, pdf, tmp_path):
    answer = model.predict(pdf, evidence=True, library=library)
    for name in ("one", "other"):
        save_figure(prediction_figure(answer, "a.gr"), tmp_path / name)
    for ending in (".svg", ".png"):
        one, other = (
            (tmp_path / name).with_suffix(ending).read_bytes()
            for name in ("one", "other")
        )
        assert one == other
    assert "<svg" in answer._repr_html_()
    assert "<svg" not in model.predict(pdf)._repr_html_()
    with pytest.raises(ValueError, match="ask with evidence=True"):
        prediction_figure(model.predict(pdf))


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
    assert drawn.stdout.count("best match: O2Ti (rutile, 10)") == 2
    made = sorted(path.name for path in Path("figures").iterdir())
    assert made == ["a_1_gr.png", "a_1_gr.svg", "a_1_gr_.png", "a_1_gr_.svg"]
    laid = ["predict", "a.1.gr", "--model", "tiny", "--library", "library.parquet"]
    assert "best match: O2Ti" in CliRunner().invoke(app, laid).stdout
    without = CliRunner().invoke(
        app, ["predict", "a.1.gr", "--model", "tiny", "--evidence"]
    )
    assert "speaks most for" in without.stdout
    assert "best match" not in without.stdout
    assert "dvc pull -r registry models/library.parquet.dvc" in without.stderr
