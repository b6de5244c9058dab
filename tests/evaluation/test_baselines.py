import subprocess
import sys

import numpy as np
import pytest

from gromega.evaluation.baselines import (
    BASELINES,
    logistic_regression,
    nearest_neighbours,
    strain_aligned_neighbours,
)
from gromega.pdf.network_grid import INPUT_R, to_unit


def waves(n, seed):
    """Return curves of three frequencies, with random phases, scales and offsets."""
    generator = np.random.default_rng(seed)
    y = np.arange(n) % 3
    phase = generator.uniform(0, 1, (n, 1))
    x = np.sin((1 + y[:, None]) * np.linspace(0, 12, 209) + phase)
    return (generator.uniform(1, 9, (n, 1)) * x + 2).astype(np.float32), y


def peaks(strains, seed=3):
    """Return a curve of sharp peaks for each of 12 classes at some strains."""
    centres = np.random.default_rng(seed).uniform(2, 28, (12, 25))
    curves = [
        np.exp(-0.5 * ((INPUT_R - (1 + strain) * centres[:, :, None]) / 0.15) ** 2)
        for strain in strains
    ]
    y = np.tile(np.arange(12), len(strains))
    return np.concatenate([c.sum(axis=1) for c in curves]).astype(np.float32), y


@pytest.mark.parametrize("name", list(BASELINES))
def test_a_baseline_predicts_probabilities_of_every_class(name):
    x, y = waves(90, 0)
    log_p = BASELINES[name][1](x, y, waves(30, 1)[0], 4)
    assert log_p.shape == (30, 4)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-4)
    # no curve is of the fourth class
    assert (log_p.argmin(axis=1) == 3).all()


@pytest.mark.parametrize("method", [nearest_neighbours, logistic_regression])
def test_frequencies_are_told_apart_whatever_the_scale(method):
    x, y = waves(300, 0)
    test, truth = waves(1500, 1)
    assert (method(x, y, test, 3).argmax(axis=1) == truth).mean() > 0.95


def test_nearest_neighbours_weigh_by_inverse_distance():
    x, y = waves(60, 2)
    test, _ = waves(5, 4)
    distances = np.linalg.norm(to_unit(test)[:, None] - to_unit(x)[None], axis=2)
    share = np.zeros((5, 3))
    for row, each in enumerate(distances):
        for k in np.argsort(each)[:10]:
            share[row, y[k]] += 1 / each[k]
    mixed = 0.99 * share / share.sum(axis=1, keepdims=True) + 0.01 * np.full(3, 1 / 3)
    log_p = nearest_neighbours(x, y, test, 3)
    np.testing.assert_allclose(np.exp(log_p), mixed, atol=1e-4)


@pytest.mark.parametrize("method", [nearest_neighbours, strain_aligned_neighbours])
def test_a_training_curve_is_its_own_nearest_neighbour(method):
    x, _ = waves(40, 2)
    y = np.random.default_rng(0).integers(0, 4, 40)
    assert (method(x, y, x, 4).argmax(axis=1) == y).all()


@pytest.mark.parametrize("strain", [-0.028, -0.011, 0.006, 0.025])
def test_strain_aligned_neighbours_recognize_a_strained_curve(strain):
    x, y = peaks([0.0])
    test, truth = peaks([strain])
    log_p = strain_aligned_neighbours(x, y, test, 12)
    assert (log_p.argmax(axis=1) == truth).all()


def test_a_curve_strained_beyond_the_range_is_not_recognized():
    x, y = peaks([0.0])
    test, truth = peaks([0.09])
    log_p = strain_aligned_neighbours(x, y, test, 12)
    assert (log_p.argmax(axis=1) == truth).mean() < 0.5


def test_names_of_baselines_do_not_need_scikit_learn():
    code = (
        "import sys, gromega.evaluation.baselines; sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
