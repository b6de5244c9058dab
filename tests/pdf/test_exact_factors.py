import numpy as np
import pytest

from gromega.conditions import GRID_STEP, REFERENCE
from gromega.crystals.crystal import Crystal
from gromega.pdf import exact_factors
from gromega.pdf.bins import DMAX
from gromega.pdf.exact_factors import exact_pdfs, spectra_by_elements
from gromega.pdf.form_factors import weights_at
from gromega.pdf.network_grid import INPUT_R, input_operator, input_readout
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.spectrum import make_spectra, pair_spectrum


@pytest.fixture
def perovskite(classics):
    return next(c for c in classics if len(set(c.numbers.tolist())) == 3)


def none(crystals):
    return [np.zeros(crystal.numbers.size) for crystal in crystals]


def test_the_parts_of_a_spectrum_add_up_to_it(perovskite):
    extra = np.full(perovskite.numbers.size, 0.002)
    parts = spectra_by_elements(perovskite, DMAX, extra)
    assert len(parts) == 6 and all(a <= b for a, b in parts)
    whole = pair_spectrum(perovskite, extra_uiso=extra)
    np.testing.assert_allclose(sum(parts.values()), whole, atol=1e-4 * whole.max())


@pytest.mark.parametrize("omega", [REFERENCE, REFERENCE.at(qmax=14.0, r_scale=1.01)])
def test_with_constant_factors_it_is_the_usual_engine(classics, monkeypatch, omega):
    monkeypatch.setattr(
        exact_factors,
        "form_factors",
        lambda numbers, q: np.ones((numbers.size, q.size)),
    )
    density = [crystal.density for crystal in classics]
    expected = apply_operator(
        input_operator(omega, DMAX), make_spectra(classics), density
    )
    r, readout = INPUT_R, input_readout()
    g = exact_pdfs(classics, omega, DMAX, none(classics), r, readout)
    assert g.shape == (len(classics), 209) and g.dtype == np.float32
    np.testing.assert_allclose(g, expected, atol=1e-5 * np.ptp(expected))


def test_one_element_has_no_effect_of_form_factors(nickel):
    g = exact_pdfs([nickel], REFERENCE, DMAX, none([nickel]))
    op = build_operator(REFERENCE, DMAX)
    expected = apply_operator(op, make_spectra([nickel]), [nickel.density])
    np.testing.assert_allclose(g, expected, atol=1e-5 * np.ptp(expected))


def test_it_is_the_sum_of_debye_over_all_pairs(perovskite):
    # F(Q) by each distance, a Gaussian peak at a time, without bins or splines
    omega = REFERENCE.at(rmax=8.0, qmin=1.0, qmax=18.0)
    op = build_operator(omega, DMAX)
    g = exact_pdfs([perovskite], omega, DMAX, none([perovskite]))[0]
    extension = 6 * 2 * np.pi / omega.qmax
    fine = np.arange(0, int((omega.rmax + extension) / GRID_STEP) + 1) * GRID_STEP
    n = 1 << int(np.ceil(np.log2(fine.size)))
    q = np.arange(n) * np.pi / (GRID_STEP * n)
    q = q[(q > omega.qmin - 1e-9) & (q < omega.qmax - 1e-9)]
    weights = np.array([weights_at(perovskite, each) for each in q])
    signal = np.zeros((q.size, fine.size))
    home = perovskite.frac @ perovskite.lattice
    d, i, j = pairs_within(perovskite, home, 16.0)
    sigma2 = 2 * omega.uiso * (1 + (omega.qbroad * d) ** 2)
    peaks = np.exp(-((fine[:, None] - d) ** 2) / (2 * sigma2)) / d
    peaks /= np.sqrt(2 * np.pi * sigma2)
    for row, w in zip(signal, weights, strict=True):
        row[:] = peaks @ (w[i] * w[j]) - 4 * np.pi * perovskite.density * fine
    back = np.zeros(op.r.size)
    for each, row in zip(q, signal, strict=True):
        inside = fine >= omega.rmin - extension
        size = (row * np.sin(each * fine))[inside].sum()
        back += 2 / n * size * np.sin(each * op.r)
    expected = back * np.exp(-((op.r * omega.qdamp) ** 2) / 2)
    np.testing.assert_allclose(g, expected, atol=2e-4 * np.ptp(expected))
    constant = apply_operator(op, make_spectra([perovskite]), [perovskite.density])[0]
    assert np.abs(constant - expected).max() > 0.05 * np.ptp(expected)


def pairs_within(crystal, home, dmax):
    """Return the distances of all ordered pairs up to dmax, with both atoms."""
    n = 1 + int(dmax * np.abs(np.linalg.inv(crystal.lattice)).sum(axis=0).max())
    shifts = np.stack(np.meshgrid(*[np.arange(-n, n + 1)] * 3), axis=-1).reshape(-1, 3)
    images = home[None] + (shifts @ crystal.lattice)[:, None]
    steps = images[None] - home[:, None, None]
    d = np.linalg.norm(steps, axis=-1)
    i, _, j = np.nonzero((d > 1e-3) & (d <= dmax))
    return d[(d > 1e-3) & (d <= dmax)], i, j


def test_a_constant_q_is_nearer_to_the_form_factors_than_zero(classics):
    classics = [c for c in classics if len(set(c.numbers.tolist())) > 1]
    density = [crystal.density for crystal in classics]
    exact = exact_pdfs(classics, REFERENCE, DMAX, none(classics))
    op = build_operator(REFERENCE, DMAX)

    def misfit(q):
        spectra = np.stack([pair_spectrum(crystal, q=q) for crystal in classics])
        away = apply_operator(op, spectra, density) - exact
        return np.median(np.sqrt((away**2).mean(axis=1) / (exact**2).mean(axis=1)))

    assert 0.1 < misfit(0.0) < 0.25
    assert misfit(4.0) < 0.7 * misfit(0.0)


def test_an_element_without_form_factors_is_an_error():
    einsteinium = Crystal("Es", 3 * np.eye(3), np.array([99]), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="Es"):
        exact_pdfs([einsteinium], REFERENCE, DMAX, none([einsteinium]))
