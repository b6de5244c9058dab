"""Cases made after reports of users of other programs, each with the right answer."""

import numpy as np
import pytest
from conftest import DATA

from gromega.measured.pdf import read_pdf

CASES = DATA / "measured"
# r and the curve of every case, in Å and Å⁻²
R, G = np.loadtxt(CASES / "01-composition-spaces-cao.gr", skiprows=8).T
# They are given in bohr with six digits.
TOLERANCE = {"12-units-bohr.txt": 5e-3}


@pytest.mark.parametrize("path", sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_each_case_is_read_right(path):
    pdf = read_pdf(path)
    np.testing.assert_allclose(pdf.r, R, rtol=1e-5)
    # Keen's G(r) and g(r)-1 have an arbitrary scale without the density.
    is_scaled = any("scale" in note for note in pdf.notes)
    scale = (pdf.g @ G) / (pdf.g @ pdf.g) if is_scaled else 1.0
    np.testing.assert_allclose(
        scale * pdf.g, G, atol=TOLERANCE.get(path.name, 5e-4 if is_scaled else 1e-9)
    )


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("02-qmax-40-nom.gr", {"qmin": 0.4, "qmax": 40.0, "radiation": "neutron"}),
        ("08-range-words-range3.txt", {"qmin": 0.6, "qmax": 21.5}),
        ("01-composition-spaces-cao.gr", {"qmin": 0.4, "qmax": 24.5}),
    ],
)
def test_what_a_case_states_is_read(name, stated):
    pdf = read_pdf(CASES / name)
    assert {key: pdf.stated[key] for key in stated} == stated


def test_a_composition_with_blanks_is_read():
    assert read_pdf(CASES / "01-composition-spaces-cao.gr").composition == "Na 4 Cl 4"


def test_a_count_line_makes_no_neutrons():
    pdf = read_pdf(CASES / "03-gsas2-rmcprofile-xray-PWDR_sample.gr")
    assert "radiation" in pdf.assumed
    assert pdf.conditions().radiation == "xray"
