"""Sizes of primitive cells, from the probabilities of structure types."""

from dataclasses import replace

import numpy as np
import pytest

from gromega import read_pdf
from gromega.conditions import REFERENCE
from gromega.crystals.crystal import Crystal
from gromega.model.cell_size import CellSizes, TypeHead, fit_cell_sizes
from gromega.model.io import load_model, save_model
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import round_weights, to_arrays

TYPES = {
    "name": "resnet", "widths": (16, 16), "blocks": (1, 1), "dense": 24, "dropout": 0.1,
    "embedding": 12, "n_types": 6,
}  # fmt: skip


@pytest.fixture
def sizes():
    volumes = np.full(119, 10.0, np.float32)
    volumes[8] = 20.0
    ratios = np.array([0.5, 1.0, 1.5], np.float32)
    # the last class is that of several structure types
    atoms = np.array([6, 2, 6, 5, 0], np.int16)
    return CellSizes(atoms, ("AB2", "AB", "AB5", "A2B3", ""), volumes, ratios)


def test_types_with_as_many_atoms_are_summed(sizes):
    p = np.array([[0.05, 0.1, 0.15, 0.2, 0.5], [0, 0, 0, 1, 0]], np.float32)
    assert sizes.numbers.tolist() == [2, 5, 6]
    shares = sizes.shares(p, [None, None])
    np.testing.assert_allclose(shares, [[0.2, 0.4, 0.4], [0, 1, 0]], atol=1e-7)


def test_a_cell_holds_whole_formula_units_of_types_with_these_ratios(sizes):
    p = np.array([[0.1, 0.2, 0.3, 0.4, 0.0]], np.float32)
    other = np.exp(-4)
    two, six = 0.2, 0.4 * other  # of the types that NaCl may have
    for composition, expected in (
        ("TiO2", [0, 0, 1]),
        ("Ti2O4", [0, 0, 1]),  # the same formula unit
        ("NaCl", [two / (two + six), 0, six / (two + six)]),
        ("Ba0.7K0.3O", [0.2, 0.4, 0.4]),  # not whole
        ("Al2O3", [0, 1, 0]),
        ("HDO", [0, 0, 1]),  # isotopes of one element
        ("D1.8H0.2O", [0, 0, 1]),
        ("Fe2", [0.2, 0.4, 0.4]),  # no type has the ratios A
        (f"Fe{10**20}O", [0.2, 0.4, 0.4]),
        ("Na7Cl4", [0.2, 0.4, 0.4]),  # no type has 11 atoms, or a multiple of it
    ):
        shares = sizes.shares(p, [composition])
        np.testing.assert_allclose(shares, [expected], atol=1e-6)


def test_the_interval_has_the_central_nine_tenths(sizes):
    size = sizes.size(np.array([0.04, 0.06, 0.9], np.float32))
    assert (size.atoms, size.atoms_range) == (6, (5, 6))
    assert size.probability == pytest.approx(0.9)
    assert sizes.size(np.array([0.06, 0.9, 0.04], np.float32)).atoms_range == (2, 5)
    assert size.volume is None and len([*size.lines()]) == 1


def test_the_volume_is_that_of_the_elements(sizes):
    # 2 atoms of 10 and 4 of 20 Å³; a third of the crystals has half of it
    certain = np.array([0, 0, 1], np.float32)
    size = sizes.size(certain, "TiO2")
    assert size.volume == pytest.approx(100.0)
    assert size.volume_range == pytest.approx((50.0, 150.0))
    assert "100 Å³" in [*size.lines()][1]
    large = sizes.size(np.array([0, 0, 1], np.float32), "Ti95O5")
    assert large.volume is None
    large = replace(size, volume=1060.9)
    assert "1060 Å³" in [*large.lines()][1]
    # the numbers do not fit: nothing has 11 atoms
    assert sizes.size(certain, "Na7Cl4").volume is None
    assert sizes.volume("O") == 20.0 and sizes.volume("D2O") == pytest.approx(40 / 3)


def test_the_volumes_of_elements_are_those_of_the_crystals():
    def cubic(volume, numbers):
        frac = np.linspace(0, 0.5, len(numbers))[:, None] * np.ones(3)
        return Crystal("x", np.cbrt(volume) * np.eye(3), numbers, frac)

    # 12 Å³ for the one, 30 for the other
    crystals = [cubic(12.0 * a + 30.0 * b, [12] * a + [56] * b)
                for a in range(1, 9) for b in range(9)] * 40  # fmt: skip
    found = fit_cell_sizes(["AB2_136_a_f", "", "AB_225_a_b"], crystals)
    assert found.atoms.tolist() == [6, 0, 2] and found.ratios == ("AB2", "", "AB")
    assert found.volume("Mg") == pytest.approx(12.0, rel=0.02)
    assert found.volume("MgBa") == pytest.approx(21.0, rel=0.02)
    # an element that no crystal has
    assert found.volume("Fe") == pytest.approx(18.0)
    np.testing.assert_allclose(found.volume_ratios, 1, atol=0.03)


@pytest.fixture(scope="module")
def model_of_types():
    """An untrained model whose classes are structure types, without neighbours."""
    groups = np.array([2, 14, 225])
    network = make_network(TYPES, groups.size, 0)
    network.group_of_type[...] = np.array([2, 0, 1, 1, 0, 2])
    round_weights(network)
    return network, groups


def test_types_sum_up_to_the_groups_of_the_network(model_of_types, generator):
    network, groups = model_of_types
    arrays = to_arrays(network)
    model = Model(arrays, groups, TYPES, REFERENCE, {})
    g = generator.normal(size=(5, 209)).astype(np.float32)
    embeddings = model.engine.embed(g)
    p = TypeHead(arrays)(embeddings)
    of_group = arrays["group_of_type"]
    summed = np.stack([p[:, of_group == k].sum(axis=1) for k in range(3)], axis=1)
    np.testing.assert_allclose(
        summed, np.exp(model.engine.head(embeddings)), rtol=1e-4, atol=1e-6
    )


def test_a_prediction_states_the_cell(small_model, sizes, files, tmp_path):
    path = files / "25.gr"
    assert small_model.predict(read_pdf(path)).cell_size is None
    width = small_model.engine.embed(np.ones((1, 209), np.float32)).shape[1]
    # a head of types, which the network of this model lacks
    bias = np.log(np.array([0.1, 0.2, 0.3, 0.4, 1e-9], np.float32))
    weights = {
        **small_model.weights,
        "last/kernel": np.zeros((width, 5), np.float32),
        "last/bias": bias,
    }
    model = replace(small_model, cell_sizes=sizes)
    object.__setattr__(model, "_type_head", TypeHead(weights))
    alone = model.predict(read_pdf(path))
    given = model.predict(read_pdf(path, composition="Na2Cl2"))
    assert (alone.cell_size.atoms_range, alone.cell_size.volume) == ((2, 6), None)
    assert given.cell_size.atoms == 2
    # two atoms of 10 Å³, half as much, or half as much again
    assert given.cell_size.volume_range == pytest.approx((10.0, 30.0))
    assert "primitive cell: 2 atoms (96 %" in str(given)
    assert tuple(given.to_mapping()["cell_size"]["atoms_range"]) == (2, 2)
    assert not any("formula units" in note for note in given.notes)
    odd = replace(sizes, atoms=np.array([5, 5, 5, 5, 0], np.int16))
    wrong = replace(model, cell_sizes=odd)
    object.__setattr__(wrong, "_type_head", TypeHead(weights))
    found = wrong.predict(read_pdf(path, composition="Na2Cl2"))
    assert (found.cell_size.atoms, found.cell_size.volume) == (5, None)
    assert any("formula units of Na2Cl2" in note for note in found.notes)
    both = model.predict_all([read_pdf(path), read_pdf(path, composition="Na2Cl2")])
    assert [each.cell_size for each in both] == [alone.cell_size, given.cell_size]


def test_the_sizes_are_saved_with_the_model(model_of_types, sizes, tmp_path):
    network, groups = model_of_types
    atoms = np.array([6, 2, 6, 5, 0, 4], np.int16)
    ratios = (*sizes.ratios, "ABC2")
    own = replace(sizes, atoms=atoms, ratios=ratios)
    model = Model(to_arrays(network), groups, TYPES, REFERENCE, {}, cell_sizes=own)
    save_model(tmp_path / "m", model)
    again = load_model(tmp_path / "m")
    assert again.cell_sizes.ratios == ratios
    for name in ("atoms", "element_volumes", "volume_ratios"):
        np.testing.assert_array_equal(
            getattr(again.cell_sizes, name), getattr(own, name)
        )
    assert {*again.weights} == {*model.weights}
    # without neighbours there are no embeddings
    g = np.ones((2, 209), np.float32)
    assert again.sizes(again.query(g, [None])[0]) == []
    save_model(tmp_path / "wrong", replace(model, cell_sizes=sizes))
    with pytest.raises(ValueError, match="structure type"):
        load_model(tmp_path / "wrong")
