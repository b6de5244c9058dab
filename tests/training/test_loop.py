from dataclasses import replace

import jax
import numpy as np
import pytest
from flax import nnx
from wave_training import TINY, network, waves

from gromega.training.history import Epoch, accuracies
from gromega.training.inputs import FixedInputs
from gromega.training.loop import train_network


def inputs(n, seed):
    return FixedInputs(waves(n, seed), TINY.stretch)


@pytest.fixture(scope="module")
def reports():
    return []


@pytest.fixture(scope="module")
def trained(reports):
    return train_network(
        TINY, network(), inputs(256, 0), waves(64, 1), [], 15, 0, report=reports.append
    )


def test_every_step_and_every_epoch_is_reported(trained, reports):
    _, history = trained
    assert [report for report in reports if isinstance(report, Epoch)] == history
    assert len(reports) == 15 * (256 // 32 + 1)


def test_training_learns_the_classes(trained):
    best, history = trained
    test = waves(200, 2)
    assert accuracies(best, test)[0] > 0.9
    assert history[-1].loss < 0.5 * history[0].loss


def test_the_network_of_the_best_epoch_is_returned(trained):
    best, history = trained
    validation = waves(64, 1)
    again = accuracies(best, validation)[0]
    assert again == max(epoch.top1 for epoch in history)


def test_the_first_of_equally_good_epochs_is_returned():
    # the accuracies stay, the weights do not
    slow = replace(TINY, learning_rate=1e-6, weight_decay=0.0)
    part = waves(32, 0)
    best, history = train_network(
        slow, network(), FixedInputs(part), part, [], 3, 0, box=part
    )
    assert len({epoch.mean_top1 for epoch in history}) == 1
    moved = network().last.bias[...] - best.last.bias[...]
    # one step of Adam at the lowest rate; three epochs would have moved it further
    assert 0 < np.abs(moved).max() < 1.1 * slow.learning_rate / 20


def test_the_same_seed_gives_the_same_weights(trained):
    again, _ = train_network(TINY, network(), inputs(256, 0), waves(64, 1), [], 15, 0)
    for one, other in zip(
        jax.tree.leaves(nnx.state(trained[0])),
        jax.tree.leaves(nnx.state(again)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_another_loss(trained):
    _, history = train_network(TINY, network(), inputs(256, 0), waves(64, 1), [], 1, 1)
    assert history[0].loss != trained[1][0].loss


def test_a_loss_that_is_not_finite_is_an_error():
    wild = replace(TINY, learning_rate=1e30, decay=0.0)
    with pytest.raises(ValueError, match="epoch 1"):
        train_network(wild, network(), inputs(256, 0), waves(32, 1), [], 1, 0)


@pytest.mark.parametrize(
    "name",
    [
        # a training crystal: named
        "wave-0-17",
        # a validation crystal: named
        "wave-1-3",
    ],
)
def test_a_test_crystal_among_the_others_is_an_error(name):
    with pytest.raises(ValueError, match=f"1 test crystals.*'{name}'"):
        train_network(
            TINY, network(), inputs(32, 0), waves(32, 1), ["other", name], 1, 0
        )


CONSTANT = replace(TINY, constant=True)


def train_constant(epochs, folder):
    return train_network(
        CONSTANT, network(), inputs(128, 0), waves(64, 1), [], epochs, 0, folder=folder
    )


def test_a_training_at_a_constant_rate_goes_on_after_its_last_epoch(tmp_path):
    train_constant(2, tmp_path / "parts")
    parts, history = train_constant(5, tmp_path / "parts")
    whole, expected = train_constant(5, tmp_path / "whole")
    assert [(e.loss, e.top1) for e in history] == [(e.loss, e.top1) for e in expected]
    for part, one in zip(
        *(jax.tree.leaves(nnx.state(each, nnx.Param)) for each in (parts, whole)),
        strict=True,
    ):
        np.testing.assert_array_equal(part, one)


def test_fewer_epochs_than_those_of_a_kept_training_are_an_error(tmp_path):
    train_constant(2, tmp_path)
    with pytest.raises(ValueError, match="2 epochs"):
        train_constant(1, tmp_path)


def test_the_moving_average_learns_and_differs_from_the_latest_weights():
    given = network(), inputs(256, 0), waves(64, 1), [], 15, 0
    mean, history = train_network(CONSTANT, *given)
    latest, _ = train_network(replace(TINY, decay=0.0), *given)
    assert max(epoch.top1 for epoch in history) > 0.8
    moved = mean.last.kernel[...] - latest.last.kernel[...]
    assert np.abs(moved).max() > 1e-4
