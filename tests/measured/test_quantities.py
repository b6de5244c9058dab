import numpy as np
import pytest
from gr_files import TWO, G, R, rows, write
from hypothesis import given
from hypothesis import strategies as st

from gromega.measured.pdf import read_pdf
from gromega.measured.quantities import mean_length, to_angstroms, to_g

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
    assert pdf.stated["radiation"] == "neutron"
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


@pytest.mark.parametrize(("unit", "size"), [("nm", 10), ("pm", 0.01)])
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
