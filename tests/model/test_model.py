from dataclasses import replace

import numpy as np
import pytest
from conftest import SETS

from gromega import read_pdf
from gromega.conditions import Box
from gromega.measured.resample import to_input
from gromega.model.build_neighbours import build_neighbours
from gromega.model.importance import find_importance

GROUPS = np.array([166, 194, 225, 14])


def test_a_known_composition_makes_another_prediction(small_model, files):
    path = files / "25.gr"
    alone = small_model.predict(read_pdf(path))
    given = small_model.predict(read_pdf(path, composition="Na2Cl2"), explain=True)
    assert (alone.composition, given.composition) == (None, "Na2Cl2")
    # the crystal of this composition is of the first group
    first = [next(c for c in a.groups if c.number == 166) for a in (alone, given)]
    assert first[1].probability > max(0.5, first[0].probability)
    assert given.groups[0].number == 166
    log_p = small_model.log_probabilities(to_input(read_pdf(path))[None], ["NaCl"])
    assert given.groups[0].probability == pytest.approx(np.exp(log_p.max()))
    assert given.neighbours[0].id == "mp-1"
    # the importance is computed with the composition too
    pdf = read_pdf(path)
    same, other = (
        find_importance(
            lambda g, c=c: small_model.log_probabilities(g, c and [c] * len(g)), pdf
        )
        for c in ("NaCl", None)
    )
    np.testing.assert_allclose(given.importance.values, same.values, rtol=1e-5)
    assert np.abs(given.importance.values - other.values).max() > 0.01
    assert "composition used: Na2Cl2" in str(given)
    both = small_model.predict_all(
        [read_pdf(path), read_pdf(path, composition="Na2Cl2")]
    )
    assert [a.groups for a in both] == [alone.groups, given.groups]


def test_a_composition_that_does_not_fit_gives_a_note(small_model, files):
    path = files / "25.gr"
    embedded = small_model.engine.embed(to_input(read_pdf(path))[None])
    # the PDF is that of the compound, and unlike those of the elements
    other = np.random.default_rng(0).normal(size=(3, embedded.shape[1]))
    along = embedded / np.linalg.norm(embedded)
    other -= (other @ along.T) * along
    seen = np.concatenate([embedded, other]).astype(np.float32)
    known = build_neighbours([[seen]], np.arange(4), small_model.neighbours.names, 4)
    neighbours = replace(known, with_composition=(0.1, 0.9))
    surer = replace(small_model, neighbours=neighbours)
    for composition, noted in (("NaCl", False), ("Fe", True)):
        pdf = read_pdf(path, composition=composition)
        warnings = surer.predict(pdf, reliability=False).notes
        assert any("check the composition" in text for text in warnings) == noted


def test_a_composition_unlike_all_is_not_used(small_model, files):
    path = files / "25.gr"
    prediction = small_model.predict(
        read_pdf(path, composition="C6H12O6"), reliability=False
    )
    assert prediction.composition is None
    assert prediction.notes == ("no training crystal has a composition like C6H12O6.",)
    assert (
        prediction.groups
        == small_model.predict(read_pdf(path), reliability=False).groups
    )


def test_a_model_without_use_for_a_composition_says_so(small_model, files):
    pdf = read_pdf(files / "25.gr", composition="NaCl")
    plain = replace(
        small_model, neighbours=replace(small_model.neighbours, with_composition=None)
    )
    prediction = plain.predict(pdf, reliability=False)
    assert prediction.composition is None
    assert prediction.notes[-1] == "this model does not use the composition."
    assert prediction.groups == plain.predict(read_pdf(files / "25.gr")).groups
    with pytest.raises(ValueError, match="cannot use compositions"):
        plain.log_probabilities(to_input(pdf)[None], ["NaCl"])


def test_a_prediction_ranks_all_groups(small_model, files):
    pdf = read_pdf(files / "25.gr")
    prediction = small_model.predict(pdf)
    log_p = small_model.log_probabilities(to_input(pdf)[None].astype(np.float32))
    p = np.exp(log_p[0])
    assert [c.number for c in prediction.groups] == GROUPS[np.argsort(-p)].tolist()
    assert [c.probability for c in prediction.groups] == sorted(p, reverse=True)
    assert {c.number: c.symbol for c in prediction.groups}[166] == "R-3m"
    assert {c.number: c.system for c in prediction.groups}[14] == "monoclinic"
    inside = SETS.prediction_sets(log_p, 0.9)[0]
    assert {c.number for c in prediction.groups if c.in_set} == set(GROUPS[inside])
    assert sum(prediction.systems.values()) == pytest.approx(1)
    assert (
        list(prediction.systems.values()) == sorted(prediction.systems.values())[::-1]
    )
    known = {(known.id, known.formula) for known in prediction.neighbours}
    assert known == {
        ("mp-1", "NaCl"), ("mp-2", "Fe"), ("mp-3", "Si"), ("my best crystal", "C")
    }  # fmt: skip
    assert prediction.neighbours[0].similarity >= prediction.neighbours[-1].similarity
    assert (prediction.conditions.qmax, prediction.conditions.rmax) == (
        25,
        pytest.approx(20, abs=0.1),
    )
    (warning,) = prediction.notes
    assert "no test crystals" in warning


def test_a_model_of_the_reference_warns_of_other_conditions_alone(
    small_model, tmp_path
):
    at_reference = replace(small_model, box=Box(rmax=(30, 30), qmax=(23, 23)))
    # The data end between the last point of the grid, 29.911 Å, and 30 Å.
    rows = "".join(f"{r:.2f} {np.sin(3 * r):.4f}\n" for r in np.arange(1, 29.93, 0.02))
    (tmp_path / "a.gr").write_text(f"qmax = 25\nmode = xray\n#### start data\n{rows}")
    pdf = read_pdf(tmp_path / "a.gr")
    notes = at_reference.predict(pdf, reliability=False).notes
    assert "qmax is 25 Å⁻¹; the model was trained only at 23 Å⁻¹." in notes
    assert not any(note.startswith("rmax") for note in notes)


def test_a_condition_outside_of_the_box_is_a_warning(small_model, files):
    narrow = replace(small_model, box=Box(qmax=(20.0, 24.0)))
    (warning,) = narrow.predict(read_pdf(files / "25.gr"), reliability=False).notes
    assert warning == ("qmax is 25 Å⁻¹; the model was trained from 20 Å⁻¹ to 24 Å⁻¹.")
    only = replace(small_model, training={"radiations": ["xray"]})
    assert only.predict(read_pdf(files / "25.gr"), reliability=False).notes == ()
    pdf = read_pdf(files / "25.gr", radiation="neutron")
    _, warning = only.predict(pdf, reliability=False).notes
    assert warning == "the radiation is neutron; the model was trained for xray only."
    (late,) = small_model.predict(
        read_pdf(files / "25.gr", rmin=2.5), reliability=False
    ).notes
    assert late.startswith("G(r) begins at 2.51 Å, ")


def test_a_model_without_calibration_and_memory_predictions_too(small_model, files):
    plain = replace(small_model, calibration=None, neighbours=None)
    prediction = plain.predict(read_pdf(files / "25.gr"))
    assert prediction.coverage is None and prediction.neighbours == ()
    assert not any(c.in_set for c in prediction.groups)
    assert "prediction set" not in str(prediction)


def test_many_are_predicted_as_one_by_one(small_model, files):
    pdfs = [read_pdf(path) for path in sorted(files.iterdir())]
    together = small_model.predict_all(pdfs)
    for pdf, prediction in zip(pdfs, together, strict=True):
        alone = small_model.predict(pdf)
        assert [c.number for c in prediction.groups] == [c.number for c in alone.groups]
    assert small_model.predict_all([]) == []


def test_other_types_than_pdfs_are_refused(small_model, files):
    pdf = read_pdf(files / "25.gr")
    for wrong, kind in ((str(files / "25.gr"), "str"), ([pdf], "list")):
        with pytest.raises(ValueError, match=f"got {kind}"):
            small_model.predict(wrong)
