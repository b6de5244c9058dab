from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from releasable import NETWORK, write_pipeline

from gromega.model.io import hashes_of, load_model
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.registry.release import ReleaseInfo, release
from gromega.registry.start import check_start
from gromega.training import warm_start
from gromega.training.inputs import LabelledPDFs
from gromega.training.warm_start import SHARES, average, start_from, take_types

SPLIT, CRYSTALS = Path("data/split.parquet"), Path("data/crystals.parquet")


@pytest.fixture
def released(tmp_path, monkeypatch):
    write_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    return release(ReleaseInfo("spacegroup", "v1.0.0", "2 CPU cores", 1.0))


def test_a_network_gets_the_weights_of_the_released_model(released):
    network = make_network(NETWORK, 3, 99)
    its = load_model(released).network
    assert (network.last.kernel[...] != its.last.kernel[...]).any()
    start, fresh = start_from(network, NETWORK, released)
    assert fresh == ()
    assert start == {
        "name": "spacegroup",
        "version": "v1.0.0",
        "sha256": hashes_of(released)["weights.safetensors"],
    }
    np.testing.assert_array_equal(network.last.kernel[...], its.last.kernel[...])


def test_a_network_gets_the_running_averages_of_batch_norm(released):
    network, model = make_network(NETWORK, 3, 99), load_model(released)
    network.stem_norm.mean[...] += 3
    start_from(network, NETWORK, released)
    np.testing.assert_array_equal(
        network.stem_norm.mean[...], model.network.stem_norm.mean[...]
    )


def test_layers_of_another_shape_keep_their_weights(released):
    network = make_network(NETWORK, 5, 99)
    fresh = make_network(NETWORK, 5, 99)
    its = load_model(released).network
    _, names = start_from(network, NETWORK, released)
    assert names == ("last.bias", "last.kernel")
    np.testing.assert_array_equal(network.last.kernel[...], fresh.last.kernel[...])
    first, its = network.blocks[0], its.blocks[0]
    np.testing.assert_array_equal(first.first.kernel[...], its.first.kernel[...])


def test_a_deeper_network_computes_the_same_at_first(released, monkeypatch, generator):
    shallow = {
        "name": "resnet", "widths": (8, 16), "blocks": (1, 1), "dense": 8,
        "dropout": 0.0,
    }  # fmt: skip
    deep = {**shallow, "blocks": (2, 3)}
    its, network = make_network(shallow, 3, 1), make_network(deep, 3, 2)
    for block in its.blocks:
        block.gain[...] += 0.5
    model = SimpleNamespace(network=its, architecture=shallow)
    monkeypatch.setattr(warm_start, "load_model", lambda path: model)
    _, fresh = start_from(network, deep, released)
    assert {name.split(".")[1] for name in fresh} == {"1", "3", "4"}
    g = generator.normal(size=(5, 209)).astype(np.float32)
    log_p = Compiled(network).predict(g)
    np.testing.assert_array_equal(log_p, Compiled(its).predict(g))


@pytest.mark.parametrize(
    "changed",
    [
        # its training part may have had test crystals of this split
        SPLIT,
        # other crystals with the same ids
        CRYSTALS,
    ],
)
def test_a_model_trained_with_other_files_is_an_error(released, changed):
    check_start(released, SPLIT, CRYSTALS)
    changed.write_bytes(changed.read_bytes() + b" ")
    with pytest.raises(ValueError, match=str(changed)):
        check_start(released, SPLIT, CRYSTALS)


def test_a_model_without_a_card_is_an_error(released):
    with pytest.raises(FileNotFoundError):
        check_start(Path("models/current"), SPLIT, CRYSTALS)


def test_a_model_of_another_architecture_is_an_error(released):
    wider = {"name": "liu", "towers": 1}
    with pytest.raises(ValueError, match=r"train\.start"):
        start_from(make_network(wider, 4, 0), wider, released)


def test_the_average_with_the_lowest_loss_is_taken(generator):
    good, bad = (make_network(NETWORK, 3, 1) for _ in range(2))
    # reverses the ranking of the classes
    bad.last.kernel[...] = -bad.last.kernel[...]
    g = generator.normal(size=(40, 209)).astype(np.float32)
    truth = Compiled(good).predict(g).argmax(axis=1)
    parts = [LabelledPDFs(np.arange(40).astype(str), g, truth)] * 2
    made, share = average(bad, good, parts)
    assert share == 0
    np.testing.assert_array_equal(made.last.kernel[...], good.last.kernel[...])
    made, share = average(good, bad, parts)
    assert share == max(SHARES) == 0.75
    np.testing.assert_allclose(
        made.last.kernel[...], 0.5 * good.last.kernel[...], rtol=1e-6
    )
    assert (bad.last.kernel[...] == -good.last.kernel[...]).all()


def test_weights_that_were_random_before_are_not_averaged(generator):
    before, after = (make_network(NETWORK, 3, 1) for _ in range(2))
    g = generator.normal(size=(40, 209)).astype(np.float32)
    truth = Compiled(after).predict(g).argmax(axis=1)
    before.last.kernel[...] = -before.last.kernel[...]
    after.last.bias[...] = jnp.where(jnp.arange(3) == truth[0], -9.0, 0.0)
    parts = [LabelledPDFs(np.arange(40).astype(str), g, truth)]
    made, share = average(before, after, parts, ["last.kernel"])
    assert share == max(SHARES)
    np.testing.assert_array_equal(made.last.kernel[...], after.last.kernel[...])
    np.testing.assert_allclose(made.last.bias[...], 0.25 * after.last.bias[...])


def test_types_are_copied_and_those_of_others_predicted(generator):
    width = {
        "name": "resnet", "widths": (8,), "blocks": (1,), "dense": 8, "dropout": 0.0,
        "embedding": 6,
    }  # fmt: skip
    released = make_network({**width, "n_types": 40}, 4, 1)
    network = make_network({**width, "n_types": 50}, 4, 2)
    types = np.repeat(np.arange(50), 3)[:-3]  # the last type has no crystal
    g = generator.normal(size=(types.size, 209)).astype(np.float32)
    means = Compiled(released).embed(g).reshape(-1, 3, 6).mean(axis=1)
    # weights that are linear in the mean embedding
    linear = generator.normal(size=(6, 6)).astype(np.float32)
    rows = {k: 49 - k if k == 0 else k + 5 for k in range(40)}
    kernel = np.zeros((6, 40), np.float32)
    for old, new in rows.items():
        kernel[:, old] = linear @ (means[new] if new < 49 else np.ones(6))
    released.last.kernel[...] = jnp.asarray(kernel)
    take_types(network, released, rows, g, types)
    made = np.asarray(network.last.kernel[...])
    for old, new in rows.items():
        np.testing.assert_array_equal(made[:, new], kernel[:, old])
        assert network.last.bias[...][new] == released.last.bias[...][old]
    others = np.setdiff1d(np.arange(49), list(rows.values()))
    expected = linear @ means[others].T
    error = np.abs(made[:, others] - expected).max() / np.abs(expected).max()
    assert error < 0.1
