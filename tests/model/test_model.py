import json

import numpy as np
import pytest

from gromega import load_model
from gromega.conditions import REFERENCE, Conditions
from gromega.model.io import save_model
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import to_arrays
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import pair_spectra

NETWORK = {"name": "residual", "widths": (8, 16), "dropout": 0.1}


@pytest.fixture
def model():
    groups = np.array([2, 14, 62, 194, 225, 227, 229])
    network = make_network(NETWORK, groups.size, 3)
    return Model(to_arrays(network), groups, NETWORK, REFERENCE, {"recipe": "small"})


@pytest.fixture
def folder(model, tmp_path):
    save_model(tmp_path / "m", model)
    return tmp_path / "m"


def test_a_model_comes_back_as_it_was_saved(model, folder, generator):
    again = load_model(folder)
    g = generator.normal(size=(5, INPUT_R.size)).astype(np.float32)
    np.testing.assert_array_equal(
        again.log_probabilities(g), model.log_probabilities(g)
    )
    assert again.conditions == REFERENCE
    assert again.training == {"recipe": "small"}
    np.testing.assert_array_equal(again.space_groups, model.space_groups)


def test_same_model_is_saved_as_same_bytes(model, folder, tmp_path):
    save_model(tmp_path / "again", model)
    for name in ("weights.safetensors", "config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert sorted(p.name for p in folder.iterdir()) == [
        "config.json",
        "weights.safetensors",
    ]


def test_who_may_read_one_file_of_a_model_may_read_all(folder):
    modes = {path.stat().st_mode for path in folder.iterdir()}
    assert len(modes) == 1


def test_ranking_lists_every_group_once_most_probable_first(model, classics):
    ranked = model.rank(classics[:3], Conditions(rmax=20.0))
    assert ranked.shape == (3, 7)
    g = apply_operator(
        input_operator(Conditions(rmax=20.0), DMAX),
        pair_spectra(classics[:3], "xray", DMAX),
        [crystal.density for crystal in classics[:3]],
    )
    for row, log_p in zip(ranked, model.log_probabilities(g), strict=True):
        assert row.tolist() == model.space_groups[np.argsort(-log_p)].tolist()


def test_ranking_depends_on_the_conditions(model, classics):
    one = model.rank(classics, REFERENCE)
    other = model.rank(classics, Conditions(rmax=8.0, qdamp=0.15))
    assert (one != other).any()


def test_input_on_another_grid_is_refused(model):
    with pytest.raises(ValueError, match=r"\(n, 209\), got the shape \(2, 362\)"):
        model.log_probabilities(np.zeros((2, 362), np.float32))


def test_input_that_is_not_finite_is_refused(model):
    with pytest.raises(ValueError, match="has values that are not finite"):
        model.log_probabilities(np.full((2, 209), np.nan, np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # another format: both are shown
        (lambda c: c.update(format="x 9"), "not a model .*its format is 'x 9', not"),
        # a group too many for the weights: refused
        (lambda c: c["space_groups"].append(1), r"do not match \(.*has the shape"),
        # another network: refused
        (lambda c: c["network"].update(widths=[8]), "do not match"),
        (lambda c: c["network"].update(colour=3), "do not match"),
        (lambda c: c["network"].pop("name"), "its network has no name"),
        # another input: refused
        (lambda c: c["input"].update(points=5), "its input is"),
        # a key is missing: refused
        (lambda c: c.pop("training"), "not a model"),
        (lambda c: c.pop("conditions"), "not a model"),
    ],
)
def test_a_changed_config_is_refused(folder, change, message):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=message):
        load_model(folder).log_probabilities(np.zeros((1, 209), np.float32))


def test_damaged_weights_are_refused(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a model"):
        load_model(folder)


def test_missing_files_are_named(folder):
    (folder / "weights.safetensors").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"no weights\.safetensors; train models"
    ):
        load_model(folder)
