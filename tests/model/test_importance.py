import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest

from gromega import read_pdf
from gromega.model.importance import find_importance
from gromega.pdf.network_grid import INPUT_R


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


def test_an_explained_prediction_has_importance_and_matches(three_groups, library, pdf):
    alone = three_groups.predict(pdf)
    explained = three_groups.predict(pdf, explain=True, library=library)
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


def test_the_most_important_windows_support_the_group(three_groups, pdf):
    explained = three_groups.predict(pdf, explain=True)
    importance = explained.importance
    strongest = importance.centres[importance.values.argmax()]
    assert importance.highest()[0] == strongest
    assert f"near {strongest:.1f}" in str(explained)
    values = np.where(np.arange(importance.values.size) == 4, 0.2, -0.1)
    one = replace(importance, values=values)
    assert one.highest() == [importance.centres[4]]
    none = replace(explained, importance=replace(one, values=np.minimum(values, 0)))
    assert "no single window" in str(none)


def test_where_nothing_can_be_laid_over_it_the_prediction_says_why(
    three_groups, library, pdf
):
    r = np.arange(24.0, 30.0, 0.02)
    rows = "\n".join(f"{x:.3f} {np.sin(9 * x):.5f}" for x in r)
    prediction = three_groups.predict(
        read_pdf(StringIO(rows)), explain=True, library=library
    )
    assert prediction.matches is None
    assert prediction.notes[-1].startswith("no known crystal was compared: ")
