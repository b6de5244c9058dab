import numpy as np
import pytest

from gromega.evaluation.analysis import (
    accuracy_by_category,
    accuracy_by_number,
    calibration_curve,
    confusion_matrix,
    ranks_within,
    selective_accuracy,
    set_coverages,
    summed_log_p,
)
from gromega.model.calibration import fit_calibration


def forecasts(generator, n=4000, n_groups=5):
    """Return probabilities and classes drawn from them."""
    p = generator.dirichlet(np.full(n_groups, 0.4), n)
    y = np.array([generator.choice(n_groups, p=row) for row in p])
    return np.log(np.maximum(p, 1e-9)), y


def test_categories_without_crystals_are_left_out():
    rank = np.array([0, 3, 8, 0])
    found = accuracy_by_category(rank, np.array([0, 0, 2, 2]), ["a", "b", "c"])
    assert [(g.name, g.top1.value, g.top6.value, g.top1.n) for g in found] == [
        ("a", 0.5, 1.0, 2),
        ("c", 0.5, 0.5, 2),
    ]


def test_numbers_are_cut_at_the_edges():
    rank = np.zeros(6, np.int64)
    numbers = np.array([0, 1, 2, 3, 50, 9])
    found = accuracy_by_number(rank, numbers, (0, 1, 3, 10), "crystals")
    assert [(g.name, g.top1.n) for g in found] == [
        ("0 crystals", 1),
        ("1 to 2 crystals", 2),
        ("3 to 9 crystals", 2),
        ("10 crystals and more", 1),
    ]
    late = accuracy_by_number(rank[:2], np.array([5, 6]), (1, 5, 10), "atoms")
    assert [(g.name, g.top1.n) for g in late] == [("5 to 9 atoms", 2)]


def test_ranks_within_a_family_ignore_other_groups():
    log_p = np.log(np.array([[0.4, 0.3, 0.2, 0.1], [0.4, 0.1, 0.3, 0.2]]))
    y = np.array([2, 3])
    assert ranks_within(log_p, y, np.array([0, 1, 1, 0])).tolist() == [1, 1]
    assert ranks_within(log_p, y, np.array([0, 0, 1, 2])).tolist() == [0, 0]
    assert ranks_within(log_p, y, np.zeros(4, np.int64)).tolist() == [2, 2]


def test_confusion_counts_true_by_row():
    log_p = np.log(np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]]))
    assert confusion_matrix(log_p, np.array([0, 1, 2])).tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 0, 1],
    ]


def test_calibrated_predictions_lie_on_the_diagonal(generator):
    log_p, y = forecasts(generator)
    bins = calibration_curve(log_p, y)
    assert [found.accuracy.n for found in bins] == [400] * 10
    confidences = [found.confidence for found in bins]
    assert confidences == sorted(confidences)
    inside = [b.accuracy.low <= b.confidence <= b.accuracy.high for b in bins]
    assert sum(inside) >= 8


def test_rejecting_uncertain_predictions_raises_accuracy(generator):
    log_p, y = forecasts(generator)
    found = selective_accuracy(log_p, y, (0.0, 0.5, 0.9))
    assert [share.n for share in found] == [4000, 2000, 400]
    assert found[0].value < found[1].value < found[2].value
    assert found[0].value == (log_p.argmax(axis=1) == y).mean()


def test_the_least_confident_predictions_are_rejected_first():
    # the first is the most confident, the second has the widest range of log p
    p = np.array([[0.8, 0.1, 0.1], [0.6, 0.4 - 1e-9, 1e-9], [0.5, 0.3, 0.2]])
    found = selective_accuracy(np.log(p), np.array([0, 1, 1]), (0.0, 1 / 3, 2 / 3))
    assert [share.value for share in found] == [1 / 3, 1 / 2, 1.0]


def test_prediction_sets_reach_their_nominal_coverage(generator):
    log_p, y = forecasts(generator, 8000)
    calibration = fit_calibration(log_p[:4000], y[:4000])
    found = set_coverages(calibration, calibration.apply(log_p[4000:]), y[4000:])
    assert [c.nominal for c in found] == [0.9, 0.95]
    for c in found:
        assert c.measured.value == pytest.approx(c.nominal, abs=0.02)
        assert 1 <= c.mean_size <= 5
    assert found[0].mean_size < found[1].mean_size


def test_families_have_the_sums_of_their_groups():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    family = np.array(["b", "a", "b"])
    log_p, truth = summed_log_p(np.log(p), np.array([1, 2]), family)
    np.testing.assert_allclose(np.exp(log_p), [[0.3, 0.7], [0.2, 0.8]])
    assert truth.tolist() == [0, 1]
