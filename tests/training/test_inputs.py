from dataclasses import astuple, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gromega.conditions import NUMERIC_FIELDS, REFERENCE, Box
from gromega.crystals.crystal import Crystal
from gromega.crystals.generate.variants import Changes, template
from gromega.pdf.bins import DMAX, n_bins
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.random_conditions import (
    draw_theta,
    random_operator,
    simulate_at_random,
)
from gromega.pdf.spectrum import pair_spectra
from gromega.training.inputs import FixedInputs, Part, VariantInputs

STILL = Changes(1.0, 0.0, 0.0, 0.0, uiso=0.0, other_radiation=0.0)


def feed_of(crystals, box, changes, **options):
    ids = np.array([crystal.id for crystal in crystals])
    made = [template(crystal) for crystal in crystals]
    y = np.arange(len(crystals))
    return VariantInputs(ids, made, y, box, changes, 0, **options)


def batch(feed, epoch=0, step=0, key=0):
    rows = jnp.arange(feed.y.size)
    stock, pool = feed.stock(epoch), feed.pool(step)
    return np.asarray(feed.inputs(stock, pool, rows, jax.random.key(key)))


def test_unchanged_crystals_at_one_point_are_the_plain_pdfs(classics):
    crystals = classics[:4]
    feed = feed_of(crystals, Box.around(REFERENCE), STILL, pool=2, mixed=2)
    expected = apply_operator(
        input_operator(REFERENCE, DMAX),
        pair_spectra(crystals),
        [crystal.density for crystal in crystals],
    )
    np.testing.assert_allclose(batch(feed), expected, atol=2e-4 * np.ptp(expected))
    feed.close()


def test_what_an_epoch_sees_is_made_anew_for_it(classics):
    feed = feed_of(classics[:8], Box(), Changes(), extra=4, pool=2, mixed=2)
    first = np.asarray(feed.stock(0)[0])
    second = np.asarray(feed.stock(1)[0])
    changed = (first != second).any(axis=1)
    assert np.flatnonzero(changed).tolist() == feed.rows(1).tolist()
    assert np.array_equal(feed.rows(1), [0, 1, 2, 3, 5, 7])
    feed.close()


def test_a_feed_that_starts_later_gives_the_same(classics):
    one = feed_of(classics[:6], Box(), Changes(), extra=3, pool=4, mixed=2)
    for epoch in range(4):
        spectra, density, _ = one.stock(epoch)
    pool = one.pool(0)
    for step in range(7):
        pool = one.renew(pool, step)
    other = feed_of(classics[:6], Box(), Changes(), extra=3, pool=4, mixed=2)
    seen = other.rows(3)
    np.testing.assert_array_equal(spectra[seen], other.stock(3)[0][seen])
    np.testing.assert_array_equal(density[seen], other.stock(3)[1][seen])
    for part, again in zip(
        jax.tree.leaves(pool), jax.tree.leaves(other.pool(7)), strict=True
    ):
        np.testing.assert_array_equal(part, again)
    one.close()
    other.close()


def ends_of(pdfs):
    """Return where each PDF ends, but for the faint tails of ripples."""
    return [np.flatnonzero(np.abs(g) > 1e-3 * np.ptp(g)).max() for g in pdfs]


def test_batches_mix_conditions_and_differ_by_key(classics):
    # rmax alone varies: each row ends where its own conditions end
    ranges = {**Box.around(REFERENCE).to_mapping(), "rmax": [8.0, 30.0]}
    box = Box.from_mapping(ranges)
    feed = feed_of([classics[0]] * 8, box, STILL, pool=8, mixed=4)
    ends = ends_of(batch(feed))
    assert ends[0::2] == ends[1::2]
    assert len(set(ends)) in (3, 4)
    assert ends_of(batch(feed, key=1)) != ends
    feed.close()


def test_most_variants_are_seen_by_the_radiation_of_the_reference(classics):
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    changes = Changes(1.0, 0.0, 0.0, 0.0, uiso=0.0, other_radiation=0.25)
    seen = pair_spectra([salt], "neutron")[0]
    feed = feed_of([salt] * 200, Box(), changes, radiation="neutron", pool=1, mixed=1)
    spectra = np.asarray(feed.stock(0)[0])
    share = np.mean([np.allclose(one, seen, rtol=1e-4) for one in spectra])
    assert 0.6 < share < 0.9
    feed.close()


def test_what_neutrons_cannot_see_x_rays_do(nickel):
    actinium = Crystal("Ac", nickel.lattice, [89] * 4, nickel.frac)
    changes = Changes(1.0, 0.0, 0.0, 0.0, uiso=0.0, other_radiation=0.0)
    feed = feed_of([actinium], Box(), changes, radiation="neutron", pool=1, mixed=1)
    expected = pair_spectra([actinium], "xray")
    np.testing.assert_allclose(feed.stock(0)[0], expected, rtol=1e-5)
    feed.close()


def test_fixed_feeds_give_the_pdfs_of_the_rows(generator):
    part = Part(
        np.array(["a", "b", "c"]),
        generator.normal(size=(3, 209)).astype(np.float32),
        np.array([0, 1, 0]),
    )
    feed = FixedInputs(part)
    rows = jnp.array([2, 0])
    got = feed.inputs(feed.stock(0), feed.pool(0), rows, jax.random.key(0))
    np.testing.assert_array_equal(got, part.g[[2, 0]])


def test_random_conditions_lie_in_their_box_and_reach_its_corners():
    box = Box()
    keys = jax.random.split(jax.random.key(0), 2000)
    theta = jax.vmap(lambda key: draw_theta(box, key))(keys)
    for name in NUMERIC_FIELDS:
        low, high = getattr(box, name)
        values = np.asarray(theta[name])
        assert values.min() >= low - 1e-6
        assert values.max() <= high + 1e-6
        if low < high and np.isfinite(high):
            assert values.min() < low + 0.05 * (high - low)
            assert values.max() > high - 0.05 * (high - low)
    assert np.mean(np.isinf(theta["diameter"])) == pytest.approx(0.5, abs=0.05)
    assert np.mean(np.asarray(theta["noise"]) == 0) == pytest.approx(0.5, abs=0.05)
    assert not np.any((theta["delta1"] > 0) & (theta["delta2"] > 0))


def test_as_often_few_conditions_differ_from_the_usual_as_many():
    keys = jax.random.split(jax.random.key(0), 4000)
    theta = jax.vmap(lambda key: draw_theta(Box(), key, REFERENCE))(keys)
    # Those whose draw is never what is usual.
    names = ("qmin", "qmax", "qdamp", "qbroad", "uiso", "r_offset", "r_scale")
    apart = sum(
        ~np.isclose(theta[name], getattr(REFERENCE, name), rtol=1e-6, atol=0)
        for name in names
    )
    shares = np.bincount(apart, minlength=8) / apart.size
    np.testing.assert_allclose(shares, 1 / 8, atol=0.02)
    for name in names:
        low, high = getattr(Box(), name)
        assert np.min(theta[name]) < low + 0.05 * (high - low)
        assert np.max(theta[name]) > high - 0.05 * (high - low)
    assert not np.any((theta["delta1"] > 0) & (theta["delta2"] > 0))


def test_validation_over_a_box_of_one_point_is_that_point(classics):
    spectra = pair_spectra(classics[:5])
    density = np.array([crystal.density for crystal in classics[:5]])
    g = simulate_at_random(spectra, density, Box.around(REFERENCE), 0, n_conditions=2)
    expected = apply_operator(input_operator(REFERENCE, DMAX), spectra, density)
    np.testing.assert_allclose(g, expected, atol=2e-4 * np.ptp(expected))


def test_a_box_knows_what_lies_outside_of_it():
    assert Box().outside(REFERENCE) == []
    assert Box().outside(REFERENCE.at(qmax=8.0, qdamp=0.2)) == ["qmax", "qdamp"]
    assert Box.from_mapping(Box().to_mapping()) == Box()
    with pytest.raises(ValueError, match="the box of qmax must be a lowest and a"):
        Box(qmax=(20.0, 10.0))
    with pytest.raises(ValueError, match="the box of qmin must end below that of qm"):
        Box(qmin=(0.0, 20.0))
    assert all(low == high for low, high in astuple(Box.around(REFERENCE)))


def test_rows_of_a_new_structure_type_are_told_from_others():
    # aluminium alone in both of its orbits: others may be titanium and oxygen
    n = 12
    rutile = (
        [[0, 0, 0], [0.5, 0.5, 0.5]]
        + [[s * 0.3 + c, t * 0.3 + c, c] for s, t, c in ((1, 1, 0), (-1, -1, 0))]
        + [[0.2, 0.8, 0.5], [0.8, 0.2, 0.5]]
    )
    cell = np.diag([4.6, 4.6, 3.0])
    crystals = [Crystal(f"x{k}", cell, [13] * 6, rutile) for k in range(n)]
    feed = feed_of(crystals, Box(), Changes(keep=0.5, orbits=1.0), pool=2, mixed=2)
    typed = np.asarray(feed.typed(feed.stock(0), jnp.arange(n)))
    assert set(typed.tolist()) == {0.0, 1.0}
    assert feed.typed(feed.stock(0), jnp.array([1, 0])).tolist() == [typed[1], typed[0]]
    feed.close()
    feed = feed_of(crystals, Box(), Changes(keep=0.5), pool=2, mixed=2)
    assert np.asarray(feed.typed(feed.stock(0), jnp.arange(n))).all()
    feed.close()


def test_extra_crystals_are_seen_in_every_other_epoch(classics):
    feed = feed_of(classics[:8], Box(), Changes(), pool=2, mixed=2, extra=5)
    assert [feed.rows(epoch).tolist() for epoch in range(4)] == [
        [0, 1, 2, 4, 6, 3],
        [0, 1, 2, 3, 5, 7],
    ] * 2
    feed.close()


def test_operators_stretch_what_they_see_within_the_strain(classics):
    # Nickel, 3.52 Å: its highest peaks lie where the strained cell has them.
    crystals = [next(c for c in classics if c.formula == "Ni")]
    point = Box.around(REFERENCE)
    feed = feed_of(crystals, point, STILL, pool=16, mixed=1, stretch=0.02)
    stock, pool = feed.stock(0), feed.pool(0)
    scales = np.linspace(0.97, 1.03, 301)
    plain = [
        apply_operator(
            input_operator(replace(REFERENCE, r_scale=scale), DMAX),
            pair_spectra(crystals),
            [crystals[0].density],
        )[0]
        for scale in scales
    ]
    found = []
    for key in range(24):
        g = np.asarray(feed.inputs(stock, pool, jnp.arange(1), jax.random.key(key)))[0]
        away = np.max(np.abs(np.array(plain) - g), axis=1)
        assert away.min() < 0.02 * np.ptp(g)
        found.append(scales[away.argmin()])
    assert 0.98 <= min(found) < 0.99 and 1.01 < max(found) <= 1.02
    feed.close()


def test_over_a_box_half_of_the_pdfs_have_ripples_at_low_r(classics):
    # noise from its least value up to one that is next to nothing
    ranges = {**Box.around(REFERENCE).to_mapping(), "noise": [0.0, 1e-9]}
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    feed = feed_of([salt] * 64, Box.from_mapping(ranges), STILL, pool=2, mixed=2)
    expected = apply_operator(
        input_operator(REFERENCE, DMAX), pair_spectra([salt]), [salt.density]
    )
    away = np.abs(batch(feed) - expected)[:, INPUT_R < 3].max(axis=1)
    rippled = away > 1e-3 * np.ptp(expected)
    assert 0.2 < rippled.mean() < 0.8
    feed.close()


def test_in_half_of_the_variants_peaks_are_broader(classics):
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    changes = replace(STILL, uiso=0.003)
    feed = feed_of([salt] * 64, Box.around(REFERENCE), changes, pool=1, mixed=1)
    spectra, plain = np.asarray(feed.stock(0)[0]), pair_spectra([salt])[0]
    broader = [not np.allclose(one, plain, rtol=1e-4, atol=1e-6) for one in spectra]
    assert 0.25 < np.mean(broader) < 0.75
    # broader, not weaker
    weights = spectra.sum(axis=1) / plain.sum()
    np.testing.assert_allclose(weights, 1.0, rtol=3e-3)
    feed.close()


def test_operators_favour_what_is_usual(classics):
    def share_at_rmax(usual):
        box = Box.from_mapping({**Box().to_mapping(), "noise": [0.0, 0.0]})
        crystals = [classics[0]] * 64
        feed = feed_of(crystals, box, STILL, pool=64, mixed=64, usual=usual)
        ends = np.array(ends_of(batch(feed)))
        feed.close()
        return np.mean(ends < 0.9 * INPUT_R.size)

    # uniform from 8 to 30 Å in two thirds of the draws, of which half are then usual
    assert share_at_rmax(REFERENCE) < 0.75 * share_at_rmax(None)


def test_no_operator_is_one_that_validation_is_seen_by(classics):
    box = Box()
    feed = feed_of(classics[:1], box, STILL, pool=64, mixed=1)
    ours = np.asarray(feed.pool(0).matrix)
    for k in range(8):
        key = jax.random.fold_in(jax.random.key(0), k)
        theirs = np.asarray(random_operator(box, n_bins(DMAX), key).matrix)
        assert np.abs(ours - theirs).reshape(64, -1).max(axis=1).min() > 1e-6
    feed.close()


def test_no_variants_are_made_for_an_epoch_after_the_last(classics, monkeypatch):
    feed = feed_of(classics[:4], Box(), STILL, pool=2, mixed=2, epochs=2)
    made, make = [], feed._make
    monkeypatch.setattr(
        feed, "_make", lambda epoch, rows: made.append(epoch) or make(epoch, rows)
    )
    for epoch in range(2):
        feed.stock(epoch)
    feed.close()
    assert made == [0, 1]
