"""The terms of the loss, as one step of zero learning rate reports them."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from wave_training import STILL, network, waves

from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.training.inputs import FixedInputs
from gromega.training.loop import train_network
from gromega.training.recipes import get_recipe


def loss_of(recipe, model, inputs, part):
    _, (epoch,) = train_network(recipe, model, inputs, part, [], 1, 0)
    return epoch.loss


def test_balanced_classes_are_weighted_by_their_rarity():
    # weights N_train / N_i: their mean over the rows is the number of classes
    part = waves(32, 0)
    equal = loss_of(STILL, network(), FixedInputs(part, 0.05), part)
    balanced = loss_of(
        replace(STILL, balanced=True), network(), FixedInputs(part, 0.05), part
    )
    assert balanced == pytest.approx(3 * equal, rel=0.3)
    assert balanced > 2 * equal


def test_l2_adds_the_squared_kernels():
    part, model = waves(32, 0), network()
    without = loss_of(STILL, model, FixedInputs(part), part)
    with_l2 = loss_of(replace(STILL, l2=0.01), model, FixedInputs(part), part)
    flat = nnx.to_flat_state(nnx.state(model, nnx.Param))
    kernels = [np.asarray(v[...]) for path, v in flat if path[-1] == "kernel"]
    squares = sum((kernel**2).sum() for kernel in kernels)
    assert with_l2 - without == pytest.approx(0.01 * squares, rel=1e-3)


class MaskedInputs(FixedInputs):
    """Waves of which only the first rows keep their structure type."""

    def __init__(self, part, share):
        super().__init__(part)
        self.types, self._share = part.y, share

    def type_mask(self, arrays, rows):
        return (rows < self._share * self.y.size).astype(float)


def test_structure_types_count_for_the_rows_that_keep_theirs():
    part = waves(64, 0)
    arguments = {**get_recipe("robust").network, "widths": (8, 16), "blocks": (1, 1)}
    arguments |= {"dense": 16, "embedding": 8, "dropout": 0.0, "n_types": 3}
    model = make_network(arguments, 3, 0)
    model.group_of_type[...] = jnp.arange(3)
    recipe = replace(STILL, batch=64, type_weight=0.5)
    # with one type in each group, types and groups have the same probabilities
    log_p = Compiled(model).predict(part.g)[np.arange(64), part.y]
    none = loss_of(recipe, model, MaskedInputs(part, 0.0), part)
    assert none == pytest.approx(-log_p.mean(), rel=1e-4)
    half = loss_of(recipe, model, MaskedInputs(part, 0.5), part)
    assert half - none == pytest.approx(-0.5 * log_p[:32].sum() / 64, rel=1e-3)
