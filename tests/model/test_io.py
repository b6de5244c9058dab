import json
from dataclasses import replace

import numpy as np
import pytest
from damage import flip
from safetensors.numpy import load_file, save

from gromega import load_model
from gromega._util.manifest import write_manifest
from gromega.conditions import REFERENCE, Conditions
from gromega.model.io import FORMAT, hashes_of, save_model
from gromega.pdf.network_grid import INPUT_R

# The names of format 1 (v1.5 to v1.8) by those of format 2.
KEYS_1 = {"neighbours": "memory", "calibration_with_composition": "with_composition"}
PREFIXES_1 = {
    "neighbours/": "memory/",
    "test_crystals/roots/": "held_out/levels/",
    "test_crystals/": "held_out/",
}


def in_format_1(name):
    for new, old in PREFIXES_1.items():
        if name.startswith(new):
            return old + name.removeprefix(new)
    return name


def write_as_format_1(folder, old):
    """Write the model of a folder as v1.8 wrote it."""
    old.mkdir()
    arrays = load_file(folder / "weights.safetensors")
    renamed = {in_format_1(name): array for name, array in arrays.items()}
    (old / "weights.safetensors").write_bytes(save(renamed))
    config = json.loads((folder / "config.json").read_text())
    config = {KEYS_1.get(key, key): value for key, value in config.items()}
    config["format"] = "gromega model 1"
    (old / "config.json").write_text(json.dumps(config))


@pytest.fixture
def folder(model, tmp_path):
    save_model(tmp_path / "m", model)
    return tmp_path / "m"


def check_same(one, other, generator):
    """Check that two models give the same predictions, to the last digit."""
    g = generator.normal(size=(5, INPUT_R.size)).astype(np.float32)
    for compositions in (None, ["NaCl"] * 5):
        np.testing.assert_array_equal(
            one.log_probabilities(g, compositions),
            other.log_probabilities(g, compositions),
        )
    for omega in (REFERENCE, Conditions(radiation="neutron")):
        for with_composition in (False, True):
            for a, b in zip(
                one.reliability_test.accuracy_at(omega, with_composition),
                other.reliability_test.accuracy_at(omega, with_composition),
                strict=True,
            ):
                np.testing.assert_array_equal(a, b)
    assert one.neighbours.names == other.neighbours.names
    assert one.test_crystals.ids == other.test_crystals.ids
    assert one.calibration == other.calibration
    np.testing.assert_array_equal(one.space_groups, other.space_groups)


def test_a_saved_model_gives_the_same_predictions(model, folder, generator):
    again = load_model(folder)
    check_same(again, model, generator)
    assert (again.conditions, again.box) == (model.conditions, model.box)
    assert again.training == model.training


def test_a_model_of_format_1_gives_the_same_predictions(
    model, folder, tmp_path, generator
):
    write_as_format_1(folder, tmp_path / "old")
    config = json.loads((tmp_path / "old" / "config.json").read_text())
    assert {"memory", "with_composition"} <= set(config)
    check_same(load_model(tmp_path / "old"), model, generator)


def test_a_model_of_format_1_is_saved_in_format_2(folder, tmp_path):
    write_as_format_1(folder, tmp_path / "old")
    save_model(tmp_path / "new", load_model(tmp_path / "old"))
    for name in ("weights.safetensors", "config.json"):
        new, expected = (p / name for p in (tmp_path / "new", folder))
        assert new.read_bytes() == expected.read_bytes()
    assert json.loads((folder / "config.json").read_text())["format"] == FORMAT


def test_test_crystals_without_formulas_come_back_without(model, tmp_path):
    crystals = replace(model.test_crystals, formulas=())
    save_model(tmp_path / "m", replace(model, test_crystals=crystals))
    assert load_model(tmp_path / "m").test_crystals.formulas == ()


def test_two_directions_fill_a_byte(model, folder):
    packed = load_file(folder / "weights.safetensors")["neighbours/directions"]
    n, k = model.neighbours.directions.shape
    assert packed.shape == (n, (k + 1) // 2)


def test_same_model_is_saved_as_same_bytes(model, folder, tmp_path):
    save_model(tmp_path / "again", model)
    for name in ("weights.safetensors", "config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert sorted(p.name for p in folder.iterdir()) == [
        "config.json",
        "manifest.json",
        "weights.safetensors",
    ]


def test_who_may_read_one_file_of_a_model_may_read_all(folder):
    modes = {path.stat().st_mode for path in folder.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # another format: both are shown
        (lambda c: c.update(format="x 9"), "x 9"),
        # a group too many for the weights: refused
        (lambda c: c["space_groups"].append(1), "shape"),
        # another network: refused
        (lambda c: c["network"].update(widths=[8]), "do not match"),
        (lambda c: c["network"].pop("name"), "name"),
        # another input: refused
        (lambda c: c["input"].update(points=5), "'points': 5"),
        # a key is missing: refused
        (lambda c: c.pop("training"), "training"),
        (lambda c: c.pop("conditions"), "conditions"),
    ],
)
def test_a_changed_config_is_refused(folder, change, message):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    write_manifest(folder)
    with pytest.raises(ValueError, match=message):
        load_model(folder).log_probabilities(np.zeros((1, 209), np.float32))


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json"])
@pytest.mark.parametrize("share", np.linspace(0, 0.999, 9))
def test_a_flipped_byte_is_refused(folder, name, share):
    flip(folder / name, share)
    with pytest.raises(ValueError, match=folder.name):
        load_model(folder)


def test_a_model_without_its_manifest_is_refused(folder):
    (folder / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"manifest\.json"):
        load_model(folder)


def test_a_truncated_file_is_refused_even_if_the_manifest_has_its_hash(folder):
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    write_manifest(folder)
    with pytest.raises(ValueError, match=folder.name):
        load_model(folder)


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json"])
def test_the_card_of_a_model_of_format_1_has_the_hashes(folder, tmp_path, name):
    old = tmp_path / "old"
    write_as_format_1(folder, old)
    (old / "card.json").write_text(json.dumps({"sha256": hashes_of(old)}))
    load_model(old)
    flip(old / name, 0.99)
    with pytest.raises(ValueError, match="old"):
        load_model(old)


def test_missing_files_are_named(folder):
    (folder / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights\.safetensors"):
        load_model(folder)
