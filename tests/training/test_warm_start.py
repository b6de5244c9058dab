from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from releasable import NETWORK, write_pipeline

from gromega.model.io import load_model, save_model
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.weights import round_weights, to_arrays
from gromega.registry.card import check_trained_with
from gromega.registry.release import Statement, release
from gromega.training.inputs import Part
from gromega.training.warm_start import SHARES, average, start_from

SPLIT, CRYSTALS = Path("data/split.parquet"), Path("data/crystals.parquet")


@pytest.fixture
def released(tmp_path, monkeypatch):
    write_pipeline(tmp_path)
    monkeypatch.chdir(tmp_path)
    return release(Statement("spacegroup", "v1.0.0", "2 CPU cores", 1.0))


def test_a_network_starts_as_the_released_one(released):
    network = make_network(NETWORK, 3, 99)
    theirs = load_model(released).network
    assert (network.last.kernel[...] != theirs.last.kernel[...]).any()
    digest = start_from(network, released)
    assert len(digest) == 64
    np.testing.assert_array_equal(network.last.kernel[...], theirs.last.kernel[...])


def test_what_batches_were_like_is_taken_over_too(released):
    network, model = make_network(NETWORK, 3, 99), load_model(released)
    network.stem_norm.mean[...] += 3
    start_from(network, released)
    np.testing.assert_array_equal(
        network.stem_norm.mean[...], model.network.stem_norm.mean[...]
    )


def test_layers_of_another_shape_stay_as_they_are(released):
    network = make_network(NETWORK, 5, 99)
    fresh = make_network(NETWORK, 5, 99)
    theirs = load_model(released).network
    start_from(network, released)
    np.testing.assert_array_equal(network.last.kernel[...], fresh.last.kernel[...])
    first, its = network.blocks[0], theirs.blocks[0]
    np.testing.assert_array_equal(first.first.kernel[...], its.first.kernel[...])


@pytest.mark.parametrize(
    "changed",
    [
        SPLIT,  # its training part may hold what is tested on here
        CRYSTALS,  # others with the same ids
    ],
)
def test_a_model_trained_with_other_files_is_refused(released, changed):
    files = {"split": SPLIT, "table": CRYSTALS}
    check_trained_with(released, files)
    changed.write_bytes(changed.read_bytes() + b" ")
    with pytest.raises(ValueError, match=str(changed)):
        check_trained_with(released, files)


def test_a_model_without_a_card_is_refused(released):
    with pytest.raises(FileNotFoundError):
        check_trained_with(Path("models/current"), {"split": SPLIT})


def test_a_network_with_nothing_in_common_is_refused(released):
    wider = {"name": "liu", "towers": 1}
    with pytest.raises(ValueError, match="no weights in common"):
        start_from(make_network(wider, 4, 0), released)


def test_the_average_of_two_networks_that_does_best_is_taken(generator):
    good, bad = (make_network(NETWORK, 3, 1) for _ in range(2))
    # each probability the lower the higher it was
    bad.last.kernel[...] = -bad.last.kernel[...]
    g = generator.normal(size=(40, 209)).astype(np.float32)
    truth = Compiled(good).predict(g).argmax(axis=1)
    parts = [Part(np.arange(40).astype(str), g, truth)] * 2
    made, share = average(bad, good, parts)
    assert share == 0
    np.testing.assert_array_equal(made.last.kernel[...], good.last.kernel[...])
    made, share = average(good, bad, parts)
    assert share == max(SHARES) == 0.75
    np.testing.assert_allclose(
        made.last.kernel[...], 0.5 * good.last.kernel[...], rtol=1e-6
    )
    assert (bad.last.kernel[...] == -good.last.kernel[...]).all()


def test_rounded_weights_are_stored_in_a_byte_each_and_come_back(tmp_path):
    write_pipeline(tmp_path)
    model = load_model(tmp_path / "models" / "current")
    whole = (tmp_path / "models" / "current" / "weights.safetensors").stat().st_size
    network = model.network
    before = np.asarray(network.last.kernel[...])
    round_weights(network)
    after = np.asarray(network.last.kernel[...])
    steps = np.abs(before).max(axis=0) / 127
    assert (np.abs(after - before) <= 0.51 * steps).all()
    save_model(tmp_path / "short", replace(model, weights=to_arrays(network)))
    short = (tmp_path / "short" / "weights.safetensors").stat().st_size
    assert short < 0.6 * whole
    again = load_model(tmp_path / "short").network.last.kernel[...]
    assert again.dtype == jnp.float32
    np.testing.assert_array_equal(again, after)
