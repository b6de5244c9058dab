import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gromega.conditions import REFERENCE
from gromega.crystals.crystal import Crystal
from gromega.defects import NO_DEFECTS, Defects
from gromega.pdf.bins import DMAX
from gromega.pdf.defects import (
    N_WAVES,
    add_defects,
    add_phase,
    add_waves,
    extra_uiso,
    partners,
)
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.simulate import simulate

EACH = [
    Defects(second_phase=0.2),
    Defects(wave=0.3),
    Defects(counting_noise=0.1),
    Defects(uiso_spread=0.005),
    Defects(form_factors="exact"),
]


def rms(g):
    return np.sqrt(np.mean(np.square(g), axis=-1))


@pytest.fixture(scope="module")
def curves(classics):
    return simulate(classics)[1]


def test_without_defects_nothing_changes(classics, curves):
    op = input_operator(REFERENCE, DMAX)
    g = np.ones((len(classics), INPUT_R.size), np.float32)
    ids = [crystal.id for crystal in classics]
    assert add_defects(op, g, ids, NO_DEFECTS) is g
    np.testing.assert_array_equal(simulate(classics, defects=NO_DEFECTS)[1], curves)


@pytest.mark.parametrize("defects", EACH, ids=lambda d: str(d)[8:])
def test_each_defect_is_the_same_again_and_another_one_by_id(classics, curves, defects):
    again = [simulate(classics, defects=defects)[1] for _ in range(2)]
    np.testing.assert_array_equal(*again)
    assert np.abs(again[0] - curves).max() > 0.05 * np.ptp(curves)
    names = [
        Crystal(f"{c.id}'", c.lattice, c.numbers, c.frac, c.occupancy) for c in classics
    ]
    same = np.array_equal(simulate(names, defects=defects)[1], again[0])
    assert same == (defects.form_factors == "exact")


@given(share=st.floats(0, 1), size=st.floats(0.1, 10))
def test_the_share_of_a_phase_is_by_rms(share, size):
    one = np.zeros((3, 8))
    other = np.zeros((3, 8))
    one[:, :4], other[:, 4:] = 1.0, size
    mixed = add_phase(one, other, share)
    first, second = rms(mixed[:, :4]), rms(mixed[:, 4:])
    np.testing.assert_allclose(second / (first + second), share, atol=1e-6)


def test_a_phase_that_cannot_be_measured_leaves_the_other_one():
    g = add_phase(np.ones((1, 8)), np.zeros((1, 8)), 0.25)
    np.testing.assert_allclose(g, 0.75)


@given(st.lists(st.text(max_size=5), min_size=2, max_size=30, unique=True))
def test_the_second_phase_is_another_crystal(ids):
    chosen = partners(ids)
    assert (chosen != np.arange(len(ids))).all()
    assert ((chosen >= 0) & (chosen < len(ids))).all()


def test_one_crystal_has_no_second_phase(nickel):
    with pytest.raises(ValueError, match="'nickel'"):
        simulate([nickel], defects=Defects(second_phase=0.1))


@pytest.mark.parametrize("rmax", [12.0, 30.0])
def test_waves_have_their_size_where_the_data_are(generator, rmax):
    op = input_operator(REFERENCE.at(rmax=rmax), DMAX)
    g = generator.standard_normal((40, INPUT_R.size)).astype(np.float32)
    q, phase = generator.uniform(0.2, 1.2, (2, 40, N_WAVES))
    added = add_waves(op, g, 0.4, q, phase) - g
    np.testing.assert_allclose(rms(added), 0.4 * rms(g), rtol=1e-5)
    assert np.abs(added[:, rmax + 0.2 < INPUT_R]).max(initial=0.0) == 0
    # slow: almost nothing is left of them above 2.5 Å⁻¹
    inside = rmax - 1 > INPUT_R
    windowed = added[:, inside] * np.hanning(inside.sum())
    power = np.abs(np.fft.rfft(windowed, 512, axis=1)) ** 2
    fast = 2 * np.pi * np.fft.rfftfreq(512, INPUT_R[1] - INPUT_R[0]) > 2.5
    assert power[:, fast].sum() < 0.01 * power.sum()


def test_numpy_and_jax_add_the_same(generator):
    op = input_operator(REFERENCE, DMAX)
    g, other = generator.standard_normal((2, 4, INPUT_R.size)).astype(np.float32)
    q, phase = generator.uniform(0.2, 1.2, (2, 4, N_WAVES))
    waves = (op, g, 0.3, q, phase)
    for function, arguments in ((add_phase, (g, other, 0.3)), (add_waves, waves)):
        ours, theirs = function(*arguments), function(*arguments, jnp)
        np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_counting_noise_grows_faster_with_q_than_noise(nickel):
    crystals = [
        Crystal(f"{k}", nickel.lattice, nickel.numbers, nickel.frac) for k in range(200)
    ]
    r, clean = simulate(crystals)
    q = np.linspace(1.0, 22.0, 200)

    def power(omega, defects):
        noise = simulate(crystals, omega, defects=defects)[1] - clean
        assert rms(noise).mean() == pytest.approx(0.1 * rms(clean).mean(), rel=0.05)
        return ((noise @ np.sin(np.outer(r, q))) ** 2).mean(axis=0)

    flat = power(REFERENCE.at(noise=0.1), NO_DEFECTS)
    counted = power(REFERENCE, Defects(counting_noise=0.1))
    ratio = counted / flat
    # f(20)/f(5) of an average element is about 0.3
    at = [ratio[np.abs(q - each) < 1].mean() for each in (5, 20)]
    assert 5 < at[1] / at[0] < 20
    _, both = simulate(crystals, REFERENCE.at(noise=0.06), defects=Defects(0, 0, 0.08))
    size = rms(both - clean).mean() / rms(clean).mean()
    assert size == pytest.approx(0.1, rel=0.05)


def test_each_element_has_one_excess_of_uiso(classics):
    crystal = next(c for c in classics if len(set(c.numbers.tolist())) == 3)
    excess = extra_uiso(crystal, 0.005)
    by_element = {n: set(excess[crystal.numbers == n]) for n in crystal.numbers}
    assert all(len(values) == 1 for values in by_element.values())
    assert excess.min() == 0 and 0 < excess.max() <= 0.005
    assert not extra_uiso(crystal, 0.0).any()


def test_neutrons_have_no_form_factors(classics):
    omega = REFERENCE.at(radiation="neutron")
    exact = simulate(classics[:4], omega, defects=Defects(form_factors="exact"))[1]
    np.testing.assert_allclose(exact, simulate(classics[:4], omega)[1], atol=1e-4)


def test_srreal_lacks_some_defects(nickel):
    for defects in (Defects(form_factors="exact"), Defects(uiso_spread=0.01)):
        with pytest.raises(ValueError, match="uiso_spread"):
            simulate([nickel], engine="srreal", defects=defects)
