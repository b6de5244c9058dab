import numpy as np
import pytest
from gr_files import TWO, G, R, rows, write
from hypothesis import given
from hypothesis import strategies as st

from gromega.conditions import Conditions
from gromega.measured.pdf import read_pdf
from gromega.measured.quantities import mean_length, to_angstroms, to_g
from gromega.pdf.simulate import simulate

DENSITY = 0.084
NIO_LENGTH = (1.03 + 0.5805) / 2  # 10⁻¹² cm
PEAKS = 1 + G / (4 * np.pi * DENSITY * R)


@pytest.mark.parametrize(
    ("header", "values", "options"),
    [
        # RMCProfile: Keen's G(r), which is barn at this composition
        (
            "2000\nrmc G(r) NiO 293K\n",
            (PEAKS - 1) * NIO_LENGTH**2,
            {"composition": "NiO"},
        ),
        # the other functions of r, by their labels or by the option
        ("#L r g(r)\n", PEAKS, {}),
        ("", PEAKS, {"quantity": "g(r)"}),
        ("#L r T(r)\n", 4 * np.pi * DENSITY * R * PEAKS, {}),
        ("r,RDF\n", 4 * np.pi * DENSITY * R**2 * PEAKS, {}),
        ("#L r(A) D(r)\n", G, {}),
    ],
)
def test_other_functions_of_r_are_converted(tmp_path, header, values, options):
    path = write(tmp_path, header + rows(R, values), "sample.txt")
    pdf = read_pdf(path, number_density=DENSITY, **options)
    np.testing.assert_allclose(pdf.g, G, atol=2e-5)
    assert len(pdf.notes) == 1


def test_without_density_the_shape_is_right_and_a_note_names_what_is_missing(tmp_path):
    content = "2000\nNPDF_no_ripples\n" + rows(R, PEAKS - 1, delimiter="\t")
    pdf = read_pdf(write(tmp_path, content, "sample.txt"))
    assert pdf.dialect == "RMCProfile"
    assert pdf.conditions().radiation == "neutron"
    assert "radiation" in pdf.assumed
    np.testing.assert_allclose(pdf.g, G / (4 * np.pi * DENSITY), atol=1e-6)
    assert "number_density and composition" in pdf.notes[0]


def test_heavy_water_scatters_as_deuterium_does(tmp_path):
    path = write(tmp_path, "# r G(r)\n" + TWO)
    plain = read_pdf(path)
    pdf = read_pdf(path, quantity="Keen G(r)", composition="D2O", number_density=0.1)
    # b(D) 6.671 fm, b(O) 5.803 fm
    mean = (2 * 6.671 + 5.803) / 30
    expected = 4 * np.pi * 0.1 * plain.r * plain.g / mean**2
    np.testing.assert_allclose(pdf.g, expected, rtol=2e-3)


def test_a_composition_without_a_known_length_gives_no_scale(tmp_path):
    path = write(tmp_path, "composition = PoO2\n" + TWO)
    pdf = read_pdf(path, quantity="Keen G(r)")
    assert pdf.composition == "PoO2"
    assert "number_density" in pdf.notes[1]
    with pytest.raises(ValueError, match="PoO2"):
        read_pdf(path, quantity="Keen G(r)", number_density=0.05)


@pytest.mark.parametrize(
    ("unit", "size"), [("nm", 10), ("pm", 0.01), ("bohr", 0.529177210544)]
)
def test_other_units_become_angstroms(tmp_path, unit, size):
    table = rows(R / size, size**2 * G)
    named = read_pdf(write(tmp_path, f"#L r({unit}) G({unit}$^{{-2}}$)\n{table}"))
    given = read_pdf(write(tmp_path, table), r_unit=unit)
    for pdf in (named, given):
        np.testing.assert_allclose(pdf.r, R, rtol=1e-6)
        np.testing.assert_allclose(pdf.g, G, rtol=1e-6)
        (note,) = pdf.notes
        assert unit in note


def test_the_mean_length_is_weighted_by_the_amounts():
    # b(Ni) 10.3 fm, b(O) 5.803 fm
    assert mean_length("Ni2O") == pytest.approx((2 * 10.3 + 5.803) / 30, rel=1e-3)


@given(st.floats(0.01, 0.2), st.sampled_from(["g(r)", "T(r)", "R(r)"]))
def test_conversions_invert_the_definitions(density, quantity):
    slope = 4 * np.pi * density * R
    values = {"g(r)": 1 + G / slope, "T(r)": G + slope, "R(r)": R * (G + slope)}
    notes = []
    g = to_g(quantity, R, values[quantity], None, density, notes)
    np.testing.assert_allclose(g, G, atol=1e-9)
    assert len(notes) == 1


@pytest.mark.parametrize("quantity", ["T(r)", "R(r)"])
def test_a_function_that_needs_the_density_is_an_error_without_it(quantity):
    with pytest.raises(ValueError, match="number_density"):
        to_g(quantity, R, G, None, None, [])


@pytest.mark.parametrize(("quantity", "power"), [("G(r)", 2), ("R(r)", 1), ("g(r)", 0)])
def test_functions_change_with_the_unit_of_r(quantity, power):
    r, y = to_angstroms(quantity, "nm", R / 10, G)
    np.testing.assert_allclose(r, R)
    np.testing.assert_allclose(y, G / 10**power)


OMEGA = Conditions(rmin=0.0, rmax=20.0, qmin=0.8, qmax=22.0, qdamp=0.0)
Q = np.arange(1, 5001) * 0.005


@pytest.fixture(scope="module")
def curves(classics):
    """r and G(r) of rutile at `OMEGA`, and F(Q) of the same without a Qmin or Qmax."""
    rutile = [crystal for crystal in classics if crystal.id == "rutile"]
    r, (g,) = simulate(rutile, OMEGA)
    # The engine transforms G(r) within the range and its ripples, e = 6 · 2π/Qmax.
    wide = OMEGA.at(qmin=0.0, qmax=39.9, rmax=20 + 12 * np.pi / OMEGA.qmax)
    r_wide, (g_wide,) = simulate(rutile, wide)
    f = np.sin(np.outer(Q, r_wide)) @ g_wide * (r_wide[1] - r_wide[0])
    return r, g, f


def of_q(quantity, f):
    """Return a function of Q from F(Q)."""
    over_q = {"F(Q)": f, "S(Q)": 1 + f / Q, "S(Q)-1": f / Q}
    return over_q.get(quantity, f / Q * mean_length("TiO2") ** 2)


@pytest.mark.parametrize(
    ("header", "quantity"),
    [
        ("[DEFAULT]\noutputtype = fq\nqmin = 0.8\nqmax = 22\n", "F(Q)"),
        ("# qmin=0.8 qmax=22\n# Q(1/A)  F(1/A)\n", "F(Q)"),
        ("# qmin=0.8 qmax=22\n# Q  F(Q) (barn)\n", "Keen F(Q)"),
        ("# Qmin, Qmax = 0.8, 22\n# Q  S(Q)  err\n", "S(Q)"),
        ("# Q range: 0.8 - 22\nQ,S(Q)-1\n", "S(Q)-1"),
    ],
)
def test_functions_of_q_are_transformed_as_the_engine_does(
    tmp_path, curves, header, quantity
):
    r, g, f = curves
    path = write(tmp_path, header + rows(Q, of_q(quantity, f), 0 * Q), "sample.txt")
    pdf = read_pdf(path, composition="TiO2", radiation="neutron")
    assert pdf.stated["qmin"] == pytest.approx(0.8, abs=0.006)
    assert pdf.stated["qmax"] == pytest.approx(22.0, abs=0.006)
    assert f"{quantity} was transformed" in pdf.notes[-1]
    inside = (r > 1) & (r < 19.9)
    error = np.interp(r[inside], pdf.r, pdf.g) - g[inside]
    assert np.abs(error).max() < 5e-3 * np.ptp(g)


def test_given_limits_cut_a_function_of_q(tmp_path, curves):
    _, _, f = curves
    path = write(tmp_path, "# Q(1/A)  F(1/A)\n" + rows(Q, f), "sample.txt")
    pdf = read_pdf(path, qmin=0.8, qmax=22.0, rmax=20.0)
    assert (pdf.stated["qmin"], pdf.stated["qmax"]) == (0.8, 22.0)
    assert pdf.r[-1] == pytest.approx(20.0)
    # All data without limits
    assert read_pdf(path).stated["qmax"] == Q[-1]
    # of a given function in another unit
    path = write(tmp_path, rows(10 * Q, f * 10), "sample.txt")
    other = read_pdf(path, quantity="F(Q)", r_unit="nm", qmin=0.8, qmax=22.0, rmax=20.0)
    np.testing.assert_allclose(other.g, pdf.g, atol=1e-4)
    with pytest.raises(ValueError, match=r"250 Å⁻¹.*'nm'"):
        read_pdf(path, quantity="F(Q)")
    with pytest.raises(ValueError, match="qmax"):
        read_pdf(path, quantity="F(Q)", qmin=0.01, qmax=0.02)


def test_without_a_composition_the_scale_of_keens_f_is_arbitrary(tmp_path, curves):
    r, g, f = curves
    path = write(tmp_path, rows(Q, of_q("Keen F(Q)", f)), "sample.txt")
    pdf = read_pdf(path, quantity="Keen F(Q)", qmin=0.8, qmax=22.0)
    assert any("scale needs composition" in note for note in pdf.notes)
    inside = (r > 1) & (r < 19.9)
    shape = np.corrcoef(np.interp(r[inside], pdf.r, pdf.g), g[inside])
    assert shape[0, 1] > 0.9999


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("S(Q)", np.sin(Q)),
        ("S(Q)", 3 + 0.1 * np.sin(Q)),
        ("F(1/A)", 1 + np.sin(Q)),
    ],
)
def test_a_function_of_q_of_another_shape_is_an_error(tmp_path, label, values):
    path = write(tmp_path, f"# Q(1/A)  {label}\n" + rows(Q, values), "sample.txt")
    with pytest.raises(ValueError, match="mean"):
        read_pdf(path)
