from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from gromega.conditions import REFERENCE, Box
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.templates import template
from gromega.crystals.generate.variants import Changes
from gromega.defects import NO_DEFECTS, Defects
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.random_conditions import random_operator
from gromega.pdf.spectrum import make_spectra, pair_spectrum
from gromega.training.variant_inputs import VariantInputs

STILL = Changes(1.0, 0.0, 0.0, 0.0, uiso=0.0, other_radiation=0.0)


def inputs_of(crystals, box, changes, **options):
    ids = np.array([crystal.id for crystal in crystals])
    made = [template(crystal) for crystal in crystals]
    y = np.arange(len(crystals))
    return VariantInputs(ids, made, y, box, changes, 0, **options)


def batch(inputs, epoch=0, step=0, key=0):
    rows = jnp.arange(inputs.y.size)
    arrays, buffer = inputs.epoch_arrays(epoch), inputs.operator_buffer(step)
    return np.asarray(inputs.batch(arrays, buffer, rows, jax.random.key(key)))


def test_unchanged_crystals_at_one_point_of_the_box_have_their_usual_pdfs(classics):
    crystals = classics[:4]
    inputs = inputs_of(
        crystals, Box.around(REFERENCE), STILL, buffer_size=2, n_conditions=2
    )
    expected = apply_operator(
        input_operator(REFERENCE, DMAX),
        make_spectra(crystals),
        [crystal.density for crystal in crystals],
    )
    np.testing.assert_allclose(batch(inputs), expected, atol=2e-4 * np.ptp(expected))
    inputs.close()


def test_each_epoch_has_new_variants_of_its_own_crystals(classics):
    inputs = inputs_of(
        classics[:8], Box(), Changes(), n_augmentation=4, buffer_size=2, n_conditions=2
    )
    first = np.asarray(inputs.epoch_arrays(0)[0])
    second = np.asarray(inputs.epoch_arrays(1)[0])
    changed = (first != second).any(axis=1)
    assert np.flatnonzero(changed).tolist() == inputs.rows(1).tolist()
    assert np.array_equal(inputs.rows(1), [0, 1, 2, 3, 5, 7])
    inputs.close()


def test_inputs_that_start_at_a_later_step_are_the_same(classics):
    one = inputs_of(
        classics[:6], Box(), Changes(), n_augmentation=3, buffer_size=4, n_conditions=2
    )
    for epoch in range(4):
        spectra, density, _ = one.epoch_arrays(epoch)
    buffer = one.operator_buffer(0)
    for step in range(7):
        buffer = one.refresh(buffer, step)
    other = inputs_of(
        classics[:6], Box(), Changes(), n_augmentation=3, buffer_size=4, n_conditions=2
    )
    rows = other.rows(3)
    np.testing.assert_array_equal(spectra[rows], other.epoch_arrays(3)[0][rows])
    np.testing.assert_array_equal(density[rows], other.epoch_arrays(3)[1][rows])
    for part, again in zip(
        jax.tree.leaves(buffer), jax.tree.leaves(other.operator_buffer(7)), strict=True
    ):
        np.testing.assert_array_equal(part, again)
    one.close()
    other.close()


def ends_of(pdfs):
    """Return the last grid point of each PDF above the faint tails of ripples."""
    return [np.flatnonzero(np.abs(g) > 1e-3 * np.ptp(g)).max() for g in pdfs]


def test_batches_mix_conditions_and_differ_by_key(classics):
    # rmax alone varies: each row ends where its own conditions end
    ranges = {**Box.around(REFERENCE).to_mapping(), "rmax": [8.0, 30.0]}
    box = Box.from_mapping(ranges)
    inputs = inputs_of([classics[0]] * 8, box, STILL, buffer_size=8, n_conditions=4)
    ends = ends_of(batch(inputs))
    assert ends[0::2] == ends[1::2]
    assert len(set(ends)) in (3, 4)
    assert ends_of(batch(inputs, key=1)) != ends
    inputs.close()


def test_most_variants_have_the_radiation_of_the_reference(classics):
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    changes = Changes(1.0, 0.0, 0.0, 0.0, uiso=0.0, other_radiation=0.25)
    expected = make_spectra([salt], "neutron")[0]
    inputs = inputs_of(
        [salt] * 200, Box(), changes, radiation="neutron", buffer_size=1, n_conditions=1
    )
    spectra = np.asarray(inputs.epoch_arrays(0)[0])
    share = np.mean([np.allclose(one, expected, rtol=1e-4) for one in spectra])
    assert 0.6 < share < 0.9
    inputs.close()


def test_a_crystal_without_neutron_lengths_has_an_x_ray_spectrum(nickel):
    actinium = Crystal("Ac", nickel.lattice, [89] * 4, nickel.frac)
    changes = Changes(1.0, 0.0, 0.0, 0.0, uiso=0.0, other_radiation=0.0)
    inputs = inputs_of(
        [actinium], Box(), changes, radiation="neutron", buffer_size=1, n_conditions=1
    )
    expected = make_spectra([actinium], "xray")
    np.testing.assert_allclose(inputs.epoch_arrays(0)[0], expected, rtol=1e-5)
    inputs.close()


def test_the_type_mask_is_zero_for_variants_of_another_structure_type():
    # aluminium alone in both of its orbits: others may be titanium and oxygen
    n = 12
    rutile = (
        [[0, 0, 0], [0.5, 0.5, 0.5]]
        + [[s * 0.3 + c, t * 0.3 + c, c] for s, t, c in ((1, 1, 0), (-1, -1, 0))]
        + [[0.2, 0.8, 0.5], [0.8, 0.2, 0.5]]
    )
    cell = np.diag([4.6, 4.6, 3.0])
    crystals = [Crystal(f"x{k}", cell, [13] * 6, rutile) for k in range(n)]
    inputs = inputs_of(
        crystals, Box(), Changes(keep=0.5, orbits=1.0), buffer_size=2, n_conditions=2
    )
    mask = np.asarray(inputs.type_mask(inputs.epoch_arrays(0), jnp.arange(n)))
    assert set(mask.tolist()) == {0.0, 1.0}
    assert inputs.type_mask(inputs.epoch_arrays(0), jnp.array([1, 0])).tolist() == [
        mask[1],
        mask[0],
    ]
    inputs.close()
    inputs = inputs_of(
        crystals, Box(), Changes(keep=0.5), buffer_size=2, n_conditions=2
    )
    assert np.asarray(inputs.type_mask(inputs.epoch_arrays(0), jnp.arange(n))).all()
    inputs.close()


def test_augmentation_crystals_are_in_every_other_epoch(classics):
    inputs = inputs_of(
        classics[:8], Box(), Changes(), buffer_size=2, n_conditions=2, n_augmentation=5
    )
    assert [inputs.rows(epoch).tolist() for epoch in range(4)] == [
        [0, 1, 2, 4, 6, 3],
        [0, 1, 2, 3, 5, 7],
    ] * 2
    inputs.close()


def test_operators_stretch_pdfs_by_at_most_the_strain(classics):
    # nickel: each PDF is that of a cell strained by at most 2 %
    crystals = [next(c for c in classics if c.formula == "Ni")]
    point = Box.around(REFERENCE)
    inputs = inputs_of(
        crystals, point, STILL, buffer_size=16, n_conditions=1, stretch=0.02
    )
    arrays, buffer = inputs.epoch_arrays(0), inputs.operator_buffer(0)
    scales = np.linspace(0.97, 1.03, 301)
    expected = [
        apply_operator(
            input_operator(replace(REFERENCE, r_scale=scale), DMAX),
            make_spectra(crystals),
            [crystals[0].density],
        )[0]
        for scale in scales
    ]
    found = []
    for key in range(24):
        g = np.asarray(
            inputs.batch(arrays, buffer, jnp.arange(1), jax.random.key(key))
        )[0]
        away = np.max(np.abs(np.array(expected) - g), axis=1)
        assert away.min() < 0.02 * np.ptp(g)
        found.append(scales[away.argmin()])
    assert 0.98 <= min(found) < 0.99 and 1.01 < max(found) <= 1.02
    inputs.close()


def test_over_a_box_half_of_the_pdfs_have_ripples_at_low_r(classics):
    # noise from its least value up to one that is next to nothing
    ranges = {**Box.around(REFERENCE).to_mapping(), "noise": [0.0, 1e-9]}
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    inputs = inputs_of(
        [salt] * 64, Box.from_mapping(ranges), STILL, buffer_size=2, n_conditions=2
    )
    expected = apply_operator(
        input_operator(REFERENCE, DMAX), make_spectra([salt]), [salt.density]
    )
    away = np.abs(batch(inputs) - expected)[:, INPUT_R < 3].max(axis=1)
    rippled = away > 1e-3 * np.ptp(expected)
    assert 0.2 < rippled.mean() < 0.8
    inputs.close()


def test_in_half_of_the_variants_peaks_are_broader(classics):
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    changes = replace(STILL, uiso=0.003)
    inputs = inputs_of(
        [salt] * 64, Box.around(REFERENCE), changes, buffer_size=1, n_conditions=1
    )
    spectra, expected = (
        np.asarray(inputs.epoch_arrays(0)[0]),
        make_spectra([salt])[0],
    )
    broader = [not np.allclose(one, expected, rtol=1e-4, atol=1e-6) for one in spectra]
    assert 0.25 < np.mean(broader) < 0.75
    # broader peaks keep their weight
    weights = spectra.sum(axis=1) / expected.sum()
    np.testing.assert_allclose(weights, 1.0, rtol=3e-3)
    inputs.close()


def test_reference_conditions_are_drawn_more_often(classics):
    def share_at_rmax(reference):
        box = Box.from_mapping({**Box().to_mapping(), "noise": [0.0, 0.0]})
        crystals = [classics[0]] * 64
        inputs = inputs_of(
            crystals, box, STILL, buffer_size=64, n_conditions=64, reference=reference
        )
        ends = np.array(ends_of(batch(inputs)))
        inputs.close()
        return np.mean(ends < 0.9 * INPUT_R.size)

    # uniform from 8 to 30 Å in two thirds of the draws, half of which then are 30 Å
    assert share_at_rmax(REFERENCE) < 0.75 * share_at_rmax(None)


def matrices_of(operators):
    """Return the matrices, the largest arrays of operators."""
    return np.asarray(max(jax.tree.leaves(operators), key=np.size))


def test_no_operator_is_one_of_validation(classics):
    box = Box()
    inputs = inputs_of(classics[:1], box, STILL, buffer_size=64, n_conditions=1)
    ours = matrices_of(inputs.operator_buffer(0)).reshape(64, -1)
    for k in range(8):
        key = jax.random.fold_in(jax.random.key(0), k)
        theirs = matrices_of(random_operator(box, n_bins(DMAX), key)).reshape(1, -1)
        assert np.abs(ours - theirs).max(axis=1).min() > 1e-6
    inputs.close()


def test_no_variants_are_made_for_an_epoch_after_the_last(classics, monkeypatch):
    inputs = inputs_of(
        classics[:4], Box(), STILL, buffer_size=2, n_conditions=2, epochs=2
    )
    made, make = [], inputs._make
    monkeypatch.setattr(
        inputs, "_make", lambda epoch, rows: made.append(epoch) or make(epoch, rows)
    )
    for epoch in range(2):
        inputs.epoch_arrays(epoch)
    inputs.close()
    assert made == [0, 1]


def test_half_of_the_variants_have_form_factors_at_a_q_of_their_own(classics):
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    inputs = inputs_of(
        [salt] * 64, Box.around(REFERENCE), replace(STILL, q=12.0), buffer_size=1,
        n_conditions=1, epochs=1,
    )  # fmt: skip
    spectra = np.asarray(inputs.epoch_arrays(0)[0])
    at = [pair_spectrum(salt, q=q) for q in np.linspace(0, 12, 121)]
    scale = np.abs(at[0]).max()
    away = np.abs(np.array(at)[None] - spectra[:, None]).max(axis=-1) / scale
    assert away.min(axis=1).max() < 0.005
    chosen = away.argmin(axis=1) / 10
    assert 0.3 < np.mean(chosen > 0) < 0.7
    assert chosen.max() > 8
    inputs.close()


def test_batches_have_the_defects_of_the_recipe(classics):
    crystals, point = classics[:8] * 8, Box.around(REFERENCE)
    options = {"buffer_size": 2, "n_conditions": 2, "epochs": 1}
    pdfs = []
    for defects in (NO_DEFECTS, Defects(second_phase=0.4, wave=0.4)):
        inputs = inputs_of(crystals, point, STILL, defects=defects, **options)
        pdfs.append(batch(inputs))
        inputs.close()
    clean, dirty = pdfs
    away = np.sqrt(((dirty - clean) ** 2).mean(axis=1) / (clean**2).mean(axis=1))
    assert np.mean(away > 1e-3) == np.mean(away > 0) > 0.1
    assert np.mean(away == 0) > 0.4
