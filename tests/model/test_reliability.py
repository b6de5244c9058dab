import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import SETS
from familiar import FIT

from gromega import read_pdf, simulate
from gromega.conditions import REFERENCE, Conditions
from gromega.model.intervals import Share
from gromega.model.io import save_model
from gromega.model.model import Model
from gromega.model.reliability import (
    ReliabilityTest,
    pack_test_crystals,
    reliability_of,
)
from gromega.networks.build import make_network
from gromega.networks.weights import to_arrays
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import make_spectra

GROUPS = np.array([166, 194, 225])
NETWORK = {
    "name": "resnet", "widths": (8, 16), "blocks": (1, 1), "dense": 16, "dropout": 0.1,
}  # fmt: skip


@pytest.fixture
def test_crystals(classics):
    x, n = (make_spectra(classics, radiation) for radiation in ("xray", "neutron"))
    # a crystal that neutrons do not see
    n[0] = 0
    ids = np.array([f"mp-{k}" for k in range(len(classics))])
    density = np.array([crystal.density for crystal in classics])
    formulas = [crystal.formula for crystal in classics]
    y = np.arange(ids.size) % 3
    return pack_test_crystals(ids, y, density, {"xray": x, "neutron": n}, formulas)


@pytest.fixture
def model(test_crystals):
    network = make_network(NETWORK, 3, 0)
    return Model(
        to_arrays(network), GROUPS, NETWORK, REFERENCE, {}, test_crystals=test_crystals
    )


def test_a_byte_for_each_wide_bin_gives_nearly_the_same_pdf(test_crystals, classics):
    omega = Conditions(qmax=18.0, rmax=25.0, radiation="neutron")
    rows, g = test_crystals.simulate(omega)
    assert rows.tolist() == list(range(1, len(classics)))
    valid = classics[1:]
    exact = apply_operator(
        input_operator(omega, DMAX), make_spectra(valid, "neutron"),
        [crystal.density for crystal in valid],
    )  # fmt: skip
    assert (np.abs(g - exact).max(axis=1) < 0.05 * np.ptp(exact, axis=1)).all()


def test_without_formulas_there_is_no_accuracy_with_the_composition(
    test_crystals, model
):
    old = replace(model, test_crystals=replace(test_crystals, formulas=()))
    with pytest.raises(ValueError, match="no formulas"):
        old.reliability_test.accuracy_at(REFERENCE, with_composition=True)


def test_a_model_is_tested_at_the_conditions_of_a_file(model, classics, tmp_path):
    omega = Conditions(qmax=18.0, rmax=25.0)
    r, g = simulate([classics[0]], omega)
    rows = "\n".join(f"{a:.5f} {b:.6f}" for a, b in zip(r, g[0], strict=True))
    (tmp_path / "a.gr").write_text(f"# qmax = 18\n{rows}\n")
    pdf = read_pdf(tmp_path / "a.gr", radiation="xray", qbroad=0.01, qmin=0.5)
    prediction = model.predict(pdf)
    _, made = model.test_crystals.simulate(pdf.conditions())
    first = model.log_probabilities(made).argmax(axis=1)
    assert prediction.reliability.n == len(classics)
    assert prediction.reliability.top1.value == pytest.approx(
        np.mean(first == model.test_crystals.y)
    )
    # three classes are always among the first six
    assert prediction.reliability.top6.value == 1
    where = "Qmax 18 Å⁻¹, Qdamp 0.04 Å⁻¹ (assumed), rmax 25 Å, x-rays"
    assert where in str(prediction)
    assert "qdamp" in prediction.to_mapping()["assumed"]
    assert prediction.to_mapping()["reliability"]["n"] == len(classics)
    assert model.predict(pdf, reliability=False).reliability is None


def test_a_note_gives_the_reason_for_an_unknown_reliability(model, classics, tmp_path):
    r, g = simulate([classics[0]], Conditions(qmax=18.0))
    rows = "\n".join(f"{a:.5f} {b:.6f}" for a, b in zip(r, g[0], strict=True))
    (tmp_path / "a.gr").write_text(rows + "\n")
    prediction = model.predict(read_pdf(tmp_path / "a.gr", qmax=5.0))
    assert prediction.reliability is None
    assert "the reliability at these conditions is unknown" in prediction.notes[-1]
    only = {"xray": model.test_crystals.spectra["xray"]}
    xray = replace(model.test_crystals, spectra=only)
    with pytest.raises(ValueError, match="no spectra for neutron"):
        xray.simulate(Conditions(radiation="neutron"))
    with pytest.raises(ValueError, match="no test crystals"):
        _ = replace(model, test_crystals=None).reliability_test


def test_reliability_counts_predictions_of_similar_confidence():
    confidences = np.linspace(0, 1, 1000)
    # right where it is sure
    ranks = np.where(confidences > 0.5, 0, 9)
    sure, unsure = (
        reliability_of(0.9, confidences, ranks),
        reliability_of(0.1, confidences, ranks),
    )
    assert sure.top1.value == unsure.top1.value == 0.5
    assert (sure.alike_top1.value, unsure.alike_top1.value) == (1, 0)
    assert sure.n_alike == 100
    assert sure.top1.low < 0.5 < sure.top1.high
    assert str(Share(0.5, 0.47, 0.53, 900)) == "50 % (47–53 %)"


def test_a_prediction_imports_nothing_that_only_the_pipeline_needs(model, tmp_path):
    code = (
        "import sys; import gromega; model = gromega.load_model('m'); "
        "found = model.predict(gromega.read_pdf('a.gr')); assert found.reliability; "
        "slow = {'jax', 'flax', 'optax', 'numba', 'zarr', 'xarray', 'pandas', 'orbax', "
        "'dask', 'matplotlib', 'scipy.stats'}; "
        "sys.exit(' '.join(slow & set(sys.modules)) or 0)"
    )
    save_model(tmp_path / "m", model)
    rows = [f"{r:.2f} {np.sin(3 * r):.6f}" for r in np.arange(1.0, 30.0, 0.02)]
    (tmp_path / "a.gr").write_text("\n".join(rows))
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True, timeout=120, cwd=tmp_path)


def test_a_changed_copy_is_tested_again(model):
    first, _ = model.reliability_test.accuracy_at(REFERENCE)
    other = replace(model, weights=to_arrays(make_network(NETWORK, 3, 1)))
    again, _ = other.reliability_test.accuracy_at(REFERENCE)
    assert (first != again).any()
    np.testing.assert_array_equal(
        model.reliability_test.accuracy_at(REFERENCE)[0], first
    )


def test_both_cases_are_tested_on_their_own_crystals(model):
    relatives = np.arange(16) % 3
    crystals = replace(model.test_crystals, relatives=relatives)
    calibration = replace(SETS, familiarity=FIT)
    both = replace(model, test_crystals=crystals, calibration=calibration)
    test = both.reliability_test
    for case, rows in (("known", relatives > 0), ("new", relatives == 0)):
        confidence, rank = test.accuracy_at(REFERENCE, structure_type=case)
        valid, g = crystals.simulate(REFERENCE)
        log_p = both.log_probabilities(g[rows[valid]], structure_type=case)
        np.testing.assert_allclose(confidence, np.exp(log_p.max(axis=1)), rtol=1e-5)
        np.testing.assert_array_equal(rank == 0, log_p.argmax(1) == crystals.y[rows])
    first = {"unsure": 0.5, "known": 0.7, "new": 0.2}
    found = test.reliability(first, REFERENCE, False)
    known = reliability_of(0.7, *test.accuracy_at(REFERENCE, structure_type="known"))
    assert (found.n, found.if_known) == (16, known.alike_top1)
    assert found.if_new.n == (relatives == 0).sum()
    stated = test.reliability(first, REFERENCE, False, "new")
    assert stated.n == stated.if_new.n


def test_without_relatives_only_all_test_crystals_count(model):
    both = replace(model, calibration=replace(SETS, familiarity=FIT))
    found = both.reliability_test.reliability({"unsure": 0.5}, REFERENCE, False)
    assert found.if_known is None and found.n == 16
    with pytest.raises(ValueError, match="known"):
        both.reliability_test.accuracy_at(REFERENCE, structure_type="known")


@pytest.mark.parametrize(("shift", "limit"), [(-5.0, 0.0), (2.0, 2.9)])
def test_the_limit_of_unlike_pdfs_rises_with_the_scores_of_test_crystals(
    test_crystals, shift, limit
):
    scores = shift + np.linspace(0, 15 / 16, 16, dtype=np.float32)

    def predicted(g, compositions):
        return {"unsure": np.full((len(g), 3), -np.log(3))}, scores[: len(g)]

    found = ReliabilityTest(test_crystals, predicted).unlike_limit(REFERENCE, False)
    assert found == pytest.approx(limit, abs=0.02)


def test_the_limit_of_unlike_pdfs_is_that_of_familiar_test_crystals(test_crystals):
    # the second half is of new structure types, and less like the others
    relatives = np.repeat([3, 0], 8)
    crystals = replace(test_crystals, relatives=relatives)
    scores = np.where(relatives > 0, 1.0, 9.0) + np.linspace(0, 1, 16)

    def predicted(g, compositions):
        same = np.full((len(g), 3), -np.log(3))
        return {"unsure": same, "known": same, "new": same}, scores[: len(g)]

    found = ReliabilityTest(crystals, predicted).unlike_limit(REFERENCE, False)
    assert 1.4 < found < 1.5


def test_the_reliability_is_computed_once_for_files_at_the_same_conditions(
    model, pdf, monkeypatch
):
    computed = []
    kind = type(model.test_crystals)
    simulate_all = kind.simulate

    def counted(crystals, conditions):
        computed.append(conditions)
        return simulate_all(crystals, conditions)

    monkeypatch.setattr(kind, "simulate", counted)
    fresh = replace(model)
    other = replace(pdf, stated={**pdf.stated, "qmax": 18.0})
    fresh.predict_all([pdf, other, pdf])
    fresh.predict(pdf, explain=True)
    assert [omega.qmax for omega in computed] == [23.0, 18.0]
