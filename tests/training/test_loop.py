import logging
from dataclasses import replace

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
from flax import nnx

from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.logits import top_k
from gromega.training.checkpoint import Checkpoints
from gromega.training.inputs import FixedInputs, Part
from gromega.training.loop import Epoch, train_network, write_history
from gromega.training.recipes import get_recipe

TINY = replace(
    get_recipe("small"),
    network={"name": "residual", "widths": (8, 16), "dropout": 0.1},
    batch=32,
    learning_rate=5e-3,
)


def waves(n, seed):
    """Return waves of three frequencies, the class, at random phases."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 3, n)
    phase = generator.uniform(0, 2 * np.pi, (n, 1))
    x = np.sin((1 + y[:, None]) * np.linspace(0, 12, 209) + phase)
    ids = np.array([f"wave-{seed}-{k}" for k in range(n)])
    return Part(ids, x.astype(np.float32), y)


def network(seed=0):
    return make_network(TINY.network, 3, seed)


def feed(n, seed):
    return FixedInputs(waves(n, seed), TINY.stretch)


@pytest.fixture(scope="module")
def trained():
    seen = []
    best, history = train_network(
        TINY, network(), feed(256, 0), waves(64, 1), [], 15, 0, report=seen.append
    )
    epochs = [what for what in seen if isinstance(what, Epoch)]
    assert epochs == history
    assert len(seen) == 15 * (256 // 32 + 1)
    return best, history


def test_training_learns_to_tell_waves_apart(trained):
    best, history = trained
    test = waves(200, 2)
    assert top_k(Compiled(best).predict(test.g), test.y, 1) > 0.9
    assert history[-1].loss < 0.5 * history[0].loss


def test_the_best_epoch_on_validation_is_returned(trained):
    best, history = trained
    validation = waves(64, 1)
    again = top_k(Compiled(best).predict(validation.g), validation.y, 1)
    assert again == max(epoch.top1 for epoch in history)


def test_merit_is_the_mean_of_both_accuracies():
    assert Epoch(1, 0.0, 0.6, 0.9).merit == 0.6
    assert Epoch(1, 0.0, 0.6, 0.9, 0.4, 0.8).merit == pytest.approx(0.5)


def test_of_epochs_that_are_as_good_the_first_is_returned():
    # accuracies stay as they are, weights do not
    slow = replace(TINY, learning_rate=1e-6, weight_decay=0.0)
    part = waves(32, 0)
    best, history = train_network(
        slow, network(), FixedInputs(part), part, [], 3, 0, box=part
    )
    assert len({epoch.merit for epoch in history}) == 1
    moved = network().last.bias[...] - best.last.bias[...]
    # one step of Adam at the lowest rate, where three epochs would have gone further
    assert 0 < np.abs(moved).max() < 1.1 * slow.learning_rate / 20


def test_same_seed_gives_the_same_weights(trained):
    again, _ = train_network(TINY, network(), feed(256, 0), waves(64, 1), [], 15, 0)
    for one, other in zip(
        jax.tree.leaves(nnx.state(trained[0])),
        jax.tree.leaves(nnx.state(again)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_other_weights(trained):
    _, history = train_network(TINY, network(), feed(256, 0), waves(64, 1), [], 1, 1)
    assert history[0].loss != trained[1][0].loss


def test_balanced_loss_weighs_classes_by_their_rarity():
    # one step of zero learning rate: the loss is that of the fresh network, each row
    # weighed by N_train / N_i, so the mean weight is the number of classes
    part = waves(32, 0)
    still = replace(TINY, learning_rate=0.0, weight_decay=0.0)
    plain = train_network(still, network(), FixedInputs(part, 0.05), part, [], 1, 0)[1][
        0
    ].loss
    balanced = train_network(
        replace(still, balanced=True),
        network(),
        FixedInputs(part, 0.05),
        part,
        [],
        1,
        0,
    )[1][0].loss
    assert balanced == pytest.approx(3 * plain, rel=0.3)
    assert balanced > 2 * plain


def test_l2_adds_the_squared_kernels_to_the_loss():
    part = waves(32, 0)
    still = replace(TINY, learning_rate=0.0, weight_decay=0.0)
    best, history = train_network(
        still, network(), FixedInputs(part, 0.05), part, [], 1, 0
    )
    _, heavier = train_network(
        replace(still, l2=0.01), network(), FixedInputs(part, 0.05), part, [], 1, 0
    )
    flat = nnx.to_flat_state(nnx.state(best, nnx.Param))
    kernels = [np.asarray(v[...]) for path, v in flat if path[-1] == "kernel"]
    squares = sum((kernel**2).sum() for kernel in kernels)
    assert heavier[0].loss - history[0].loss == pytest.approx(0.01 * squares, rel=1e-3)


class Typed(FixedInputs):
    """Waves of which the first half alone are of the type that they are said to be."""

    def __init__(self, part, share):
        super().__init__(part)
        self.types, self._share = part.y, share

    def typed(self, stock, rows):
        return (rows < self._share * self.y.size).astype(float)


def test_types_count_for_the_rows_that_keep_theirs():
    part = waves(64, 0)
    arguments = {**get_recipe("robust").network, "widths": (8, 16), "blocks": (1, 1)}
    arguments |= {"dense": 16, "embedding": 8, "dropout": 0.0, "n_types": 3}
    typed = make_network(arguments, 3, 0)
    typed.group_of_type[...] = np.arange(3)
    still = replace(TINY, batch=64, learning_rate=0.0, weight_decay=0.0, types=0.5)

    def loss(share):
        return train_network(still, typed, Typed(part, share), part, [], 1, 0)[1][
            0
        ].loss

    # where each group is one type, both have the same probability
    log_p = Compiled(typed).predict(part.g)[np.arange(64), part.y]
    assert loss(0.0) == pytest.approx(-log_p.mean(), rel=1e-4)
    half = -0.5 * log_p[:32].sum() / 64
    assert loss(0.5) - loss(0.0) == pytest.approx(half, rel=1e-3)


def test_prediction_does_not_depend_on_the_company(trained):
    x = waves(700, 3).g
    together = Compiled(trained[0]).predict(x)
    np.testing.assert_allclose(
        Compiled(trained[0]).predict(x[650:651])[0], together[650], atol=1e-5
    )


def test_a_loss_that_explodes_is_said():
    wild = replace(TINY, learning_rate=1e30, decay=0.0)
    with pytest.raises(
        ValueError, match=r"the loss is .* in epoch 1; lower the learning"
    ):
        train_network(wild, network(), feed(256, 0), waves(32, 1), [], 1, 0)


def test_top_k_counts_ranks():
    log_p = np.log([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.1, 0.2, 0.7]])
    y = np.array([0, 1, 0])
    assert [top_k(log_p, y, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])


def test_ties_are_broken_as_the_ranking_breaks_them():
    assert top_k(np.zeros((3, 4)), np.array([0, 1, 3]), 2) == pytest.approx(2 / 3)


def test_numbers_that_are_not_finite_are_refused():
    broken = network()
    broken.last.bias[...] = np.nan
    with pytest.raises(ValueError, match="the network gives numbers that are not fin"):
        Compiled(broken).predict(waves(2, 0).g)


def test_history_is_a_table_of_epochs(trained, tmp_path):
    write_history(tmp_path / "h.csv", trained[1])
    lines = (tmp_path / "h.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,top1,top6,box_top1,box_top6"
    assert len(lines) == 16


@pytest.mark.parametrize("name", ["wave-0-17", "wave-1-3"])
def test_crystals_of_the_test_part_are_refused(name):
    # one of them to learn from, one to choose by: both are named
    with pytest.raises(ValueError, match=f"1 crystals of the test part.*'{name}'"):
        train_network(TINY, network(), feed(32, 0), waves(32, 1), ["other", name], 1, 0)


def test_a_state_that_cannot_be_written_is_one_line_and_the_last_one_stays(
    tmp_path, monkeypatch, caplog
):
    folder, state = tmp_path / "state", {"a": np.arange(20_000.0)}
    Checkpoints(folder).save(1, state)
    checkpoints = Checkpoints(folder)

    def fail(step, **_):
        # What Orbax does on a full disk: some is written, each array logs, one raises.
        (folder / f"{step}.orbax-checkpoint-tmp").mkdir()
        logging.getLogger("absl").error("a traceback")
        raise ValueError("RESOURCE_EXHAUSTED: Failed writing: No space left on device")

    monkeypatch.setattr(ocp.CheckpointManager, "save", lambda _, *a, **k: fail(*a, **k))
    with pytest.raises(
        OSError, match=r"state: the state of the training .*\(No space left on device\)"
    ):
        checkpoints.save(2, state)
    assert not caplog.records
    assert [path.name for path in folder.iterdir()] == ["1"]
    found = Checkpoints(folder).restore({"a": np.zeros(20_000)})
    np.testing.assert_array_equal(found["a"], state["a"])
