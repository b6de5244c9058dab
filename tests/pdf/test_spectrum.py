import numpy as np
import pytest
from conftest import brute_force
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gromega.conditions import REFERENCE
from gromega.crystals.crystal import Crystal
from gromega.pdf.bins import DMAX as DMAX_LONG
from gromega.pdf.bins import bin_centres, n_bins
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.spectrum import (
    make_spectra,
    pair_spectrum,
    spectra_by_radiation,
    valid_spectra,
)

DMAX = 12.0
# polonium has no neutron scattering length
POLONIUM = Crystal("Po", 3.35 * np.eye(3), np.array([84]), np.zeros((1, 3)))


def moments(spectrum, dmax):
    """Return Σ p(d)/d · dᵏ, k = 0, 1, 2: cubic B-splines keep the first two."""
    d = bin_centres(n_bins(dmax))
    return np.array([(spectrum.astype(float) * d**k).sum() for k in range(3)])


@pytest.mark.parametrize("radiation", ["xray", "neutron"])
def test_spectra_hold_every_pair_once_in_each_order(classics, radiation):
    for crystal in classics:
        d, weights = brute_force(crystal, DMAX, radiation)
        got = moments(pair_spectrum(crystal, radiation, DMAX), DMAX)
        exact = [(weights / d * d**k).sum() for k in range(2)]
        np.testing.assert_allclose(got[:2], exact, rtol=2e-6, err_msg=crystal.id)


def every_bin(crystal, dmax):
    """Return p(d)/d on cubic B-splines from all distances, without any symmetry."""
    d, weights = brute_force(crystal, dmax)
    u = np.abs(bin_centres(n_bins(dmax))[:, None] - d) / 0.02
    inner, outer = 4 - 6 * u**2 + 3 * u**3, (2 - u) ** 3
    splines = np.select([u < 1, u < 2], [inner, outer]) / 6
    return splines @ (weights / d)


CUBE, FACE = np.eye(3), np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
HEXAGON = np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 1.6]])
# a rutile-like site along [110], and one atom off it
SITES = [[0, 0, 0], [0.3, 0.3, 0], [0.7, 0.7, 0], [0.5, 0.5, 0.5]]


@pytest.mark.parametrize("lattice", [4.1 * CUBE, 5.9 * FACE, 4.05 * HEXAGON])
@pytest.mark.parametrize("strain", [0.0, 1e-3, 1e-5])
@pytest.mark.parametrize("moved", [0.0, 0.05])
def test_symmetry_of_lattice_and_atoms_changes_no_bin(lattice, strain, moved):
    # lattices with 24 rotations or nearly so; atoms with some, or none, of them
    lattice = lattice @ (np.eye(3) + strain * np.diag([1, 0, 0]))
    frac = np.array(SITES) + moved * np.array([[0, 0, 0], [1, 2, 3], [0] * 3, [0] * 3])
    crystal = Crystal("one", lattice, [22, 8, 8, 38], frac)
    expected = every_bin(crystal, DMAX)
    got = pair_spectrum(crystal, dmax=DMAX)
    np.testing.assert_allclose(got, expected, atol=2e-5 * expected.max())


def test_a_supercell_has_the_spectrum_of_its_cell():
    # so many translations that the search for rotations ends early
    face = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    frac = np.vstack([face, face + 0.25])
    cell = Crystal("cell", 3.567 * CUBE, [6] * 8, frac)
    steps = np.stack(np.meshgrid(*[range(3)] * 3), -1).reshape(-1, 1, 3)
    many = ((frac + steps) / 3).reshape(-1, 3)
    large = Crystal("supercell", 3 * 3.567 * CUBE, [6] * len(many), many)
    expected = pair_spectrum(cell, dmax=DMAX)
    np.testing.assert_allclose(
        pair_spectrum(large, dmax=DMAX), expected, atol=2e-5 * expected.max()
    )


def test_no_bin_of_the_classics_depends_on_their_symmetry(classics):
    for crystal in classics:
        expected = every_bin(crystal, 8.0)
        got = pair_spectrum(crystal, dmax=8.0)
        np.testing.assert_allclose(
            got, expected, atol=1e-4 * expected.max(), err_msg=crystal.id
        )


def test_a_distance_keeps_its_place_and_spreads_by_a_third_of_a_bin(nickel):
    lattice = 3.3337 * np.eye(3)
    crystal = Crystal("one", lattice, [28], [[0, 0, 0]])
    spectrum = pair_spectrum(crystal, dmax=4.0).astype(float)
    d = bin_centres(n_bins(4.0))
    mean = (spectrum * d).sum() / spectrum.sum()
    assert mean == pytest.approx(3.3337, abs=1e-6)
    variance = (spectrum * (d - mean) ** 2).sum() / spectrum.sum()
    assert variance == pytest.approx(0.02**2 / 3, rel=1e-3)
    assert spectrum.sum() == pytest.approx(6 / 3.3337, rel=1e-6)


def test_atoms_that_share_a_site_are_no_pair(classics):
    alloy = next(c for c in classics if (c.occupancy < 1).any())
    assert pair_spectrum(alloy, dmax=DMAX)[bin_centres(n_bins(DMAX)) < 1.5].sum() == 0


def test_two_atoms_of_an_element_on_one_site_count_as_one():
    cube = 3.0 * np.eye(3)
    one = Crystal("one", cube, [26, 8], [[0, 0, 0], [0.5, 0.5, 0.5]])
    frac = [[0, 0, 0], [0, 0, 0], [0.5, 0.5, 0.5]]
    for share in (0.5, 0.4):
        two = Crystal("two", cube, [26, 26, 8], frac, [share, 1 - share, 1])
        np.testing.assert_allclose(
            pair_spectrum(two, dmax=DMAX), pair_spectrum(one, dmax=DMAX), rtol=1e-5
        )


def test_rounded_coordinates_still_merge_to_the_exact_spectrum(generator):
    # positions off by 1e-4 Å, as tables round them: no distance is lost
    base = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.21, 0.3, 0.4], [0.79, 0.7, 0.6]])
    frac = base + generator.uniform(-1, 1, base.shape) * 2e-5
    lattice = np.array([[5.0, 0, 0], [0.3, 5.5, 0], [-0.4, 0.2, 6.0]])
    crystal = Crystal("rounded", lattice, [26, 26, 8, 8], frac)
    d, weights = brute_force(crystal, DMAX)
    got = moments(pair_spectrum(crystal, dmax=DMAX), DMAX)
    assert got[0] == pytest.approx((weights / d).sum(), rel=1e-6)
    assert got[1] == pytest.approx(weights.sum(), rel=1e-6)


def test_many_spectra_come_in_order(classics):
    crystals = list(classics) * 5
    spectra = make_spectra(crystals, dmax=8.0)
    assert len(crystals) == len(spectra)
    for index in (0, 17, 79):
        expected = pair_spectrum(crystals[index], dmax=8.0)
        np.testing.assert_array_equal(spectra[index], expected)


def test_extra_uiso_of_all_atoms_is_that_of_the_conditions(nickel):
    # without Qbroad, which grows with Uiso; two points stand for a Gaussian
    omega = REFERENCE.at(qbroad=0.0)
    wider = omega.at(uiso=0.010)
    op, wide = build_operator(omega, DMAX_LONG), build_operator(wider, DMAX_LONG)
    extra = np.full(nickel.numbers.size, 0.002)
    plain = make_spectra([nickel])
    spread = pair_spectrum(nickel, extra_uiso=extra)[None]
    expected = apply_operator(wide, plain, [nickel.density])
    got = apply_operator(op, spread, [nickel.density])
    before = apply_operator(op, plain, [nickel.density])
    error = np.abs(got - expected).max()
    assert error < 0.015 * np.ptp(expected)
    assert error < 0.15 * np.abs(before - expected).max()


def test_extra_uiso_of_one_element_widens_its_own_pairs_alone(classics):
    salt = next(crystal for crystal in classics if crystal.id == "rock salt")
    sodium = salt.numbers == 11
    extra = np.where(sodium, 0.01, 0.0)
    plain = pair_spectrum(salt, dmax=4.5).astype(float)
    spread = pair_spectrum(salt, dmax=4.5, extra_uiso=extra).astype(float)
    # what is moved stays: the sum of weights over distances is the same
    assert spread.sum() == pytest.approx(plain.sum(), rel=1e-5)
    d = bin_centres(plain.size)
    first = (d > 2.4) & (d < 3.2)
    mean = (plain[first] * d[first]).sum() / plain[first].sum()
    widened = (spread[first] * (d[first] - mean) ** 2).sum() / spread[first].sum()
    narrow = (plain[first] * (d[first] - mean) ** 2).sum() / plain[first].sum()
    # Na-Cl: half of the atoms of a pair have it
    assert widened - narrow == pytest.approx(0.01, rel=0.01)


def test_one_crystal_that_is_not_a_list_is_an_error(nickel):
    with pytest.raises(ValueError, match=r"\[crystal\]"):
        make_spectra(nickel)


# Atoms far enough apart that none share a site, in any cell below.
FRAC = np.array([[0.0, 0.0, 0.0], [0.31, 0.42, 0.55], [0.62, 0.2, 0.83]])
NUMBERS = np.array([22, 8, 8])
fractions = st.floats(0, 1, exclude_max=True)
lengths = st.floats(3.5, 7.0)
angles = st.floats(-0.3, 0.3)


@st.composite
def lattices(draw):
    """Return cells of any shape, (3, 3), from near cubes to skew boxes."""
    lattice = np.diag([draw(lengths) for _ in range(3)])
    for i, j in ((1, 0), (2, 0), (2, 1)):
        lattice[i, j] = draw(angles) * lattice[j, j]
    return lattice


def spectrum_of(lattice, frac, numbers=NUMBERS):
    spectrum = pair_spectrum(Crystal("x", lattice, numbers, frac % 1.0), dmax=DMAX)
    # The B-splines of a distance at dmax are in the spectrum or not, by rounding.
    return spectrum[bin_centres(spectrum.size) < DMAX - 0.1]


def assert_same(one, other):
    np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-4 * one.max())


@settings(max_examples=25, deadline=None)
@given(lattices(), st.lists(st.integers(1, 2), min_size=3, max_size=3))
def test_a_supercell_has_the_spectrum_of_the_cell(lattice, repeats):
    shifts = np.stack(np.meshgrid(*map(np.arange, repeats)), axis=-1).reshape(-1, 3)
    frac = (FRAC[None] + shifts[:, None]).reshape(-1, 3) / repeats
    larger = np.array(repeats)[:, None] * lattice
    numbers = np.tile(NUMBERS, len(shifts))
    assert_same(spectrum_of(lattice, FRAC), spectrum_of(larger, frac, numbers))


@settings(max_examples=25, deadline=None)
@given(lattices(), st.tuples(*[st.floats(-np.pi, np.pi)] * 3))
def test_a_rotated_crystal_has_the_same_spectrum(lattice, turns):
    rotated = Rotation.from_euler("zxz", turns).apply(lattice)
    assert_same(spectrum_of(lattice, FRAC), spectrum_of(rotated, FRAC))


@settings(max_examples=25, deadline=None)
@given(lattices(), st.tuples(fractions, fractions, fractions))
def test_the_origin_of_the_cell_does_not_change_the_spectrum(lattice, shift):
    assert_same(spectrum_of(lattice, FRAC), spectrum_of(lattice, FRAC + shift))


def test_a_primitive_cell_has_the_spectrum_of_the_centred_one(nickel):
    # one atom in a rhombohedral cell, four in the cube
    primitive = 1.762 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    crystal = Crystal("primitive", primitive, [28], [[0.3, 0.4, 0.9]])
    np.testing.assert_allclose(
        pair_spectrum(crystal, dmax=DMAX),
        pair_spectrum(nickel, dmax=DMAX),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_crystal_without_a_scattering_length_has_a_spectrum_of_zeros(nickel):
    valid, spectra = valid_spectra([POLONIUM, nickel], "neutron", 10.0)
    assert valid.tolist() == [False, True]
    assert not spectra[0].any()
    np.testing.assert_array_equal(spectra[1:], make_spectra([nickel], "neutron", 10.0))


def test_no_crystals_have_no_spectra():
    valid, spectra = valid_spectra([], "xray", 10.0)
    assert valid.shape == (0,)
    assert spectra.shape == (0, n_bins(10.0))


def test_spectra_by_radiation_are_for_both(nickel):
    density, spectra = spectra_by_radiation([nickel, POLONIUM])
    np.testing.assert_allclose(density, [nickel.density, POLONIUM.density])
    assert set(spectra) == {"xray", "neutron"}
    assert all(found.shape == (2, n_bins(DMAX_LONG)) for found in spectra.values())
    assert spectra["xray"][1].any() and not spectra["neutron"][1].any()
