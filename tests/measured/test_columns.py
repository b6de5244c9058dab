import numpy as np
import pytest
from gr_files import FIT, PDFGUI, TWO, G, R, rows, write

from gromega.measured.columns import read_columns
from gromega.measured.pdf import read_pdf

CALC = 0.9 * G + 0.3 * np.sin(7 * R)
ERROR = 0 * R + 0.1
INDEX = np.arange(R.size)


def with_first(column, value):
    """Return a column with another first value."""
    return np.concatenate([[value], column[1:]])


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        # diffpy.srfit and RMCProfile write the calculated curve first
        ("x  ycalc  y  dy", (R, CALC, G, ERROR)),
        ("r,gcalc,gobs,gdiff", (R, CALC, G, G - CALC)),
        ("r,PDF (RMC),PDF (Expt)", (R, CALC, G)),
        ("r  G(r) fit  G(r) data", (R, CALC, G)),
        ("r Gmodel Gexp weights", (R, CALC, G, ERROR)),
        # the curve without a role beside others
        ("r calc G(r) diff", (R, CALC, G, G - CALC)),
        ("r dG(r) G(r)", (R, ERROR, G)),
        # G(r) among other functions, known and unknown
        ("r g(r) G(r) T(r)", (R, 1 + G / R, G, R + G)),
        ("r n(r) G(r)", (R, R**3, G)),
        # an index, with and without a label
        (",r,G(r)", (INDEX, R, G)),
        ("r,G(r)", (INDEX, R, G)),
        ("Row r G(r) dG", (INDEX + 1, R, G, ERROR)),
        # a raw curve beside the final one; reversed
        ("r G_raw G", (R, CALC, G)),
        ("G(r) r", (G, R)),
        # units of a function that are no length, and a plain power
        ("r (Å)\tG(r) (a.u.)", (R, G)),
        ("r (Å)\tPDF (arb. units)", (R, G)),
        ("r [Å]\tG(r) [1/Å^2]", (R, G)),
        # sentences on the input of the transform, on Q, on other lengths
        ("Sine transform of S(Q)-1", (R, G)),
        ("Fourier transform of Q[S(Q)-1]\n# r y", (R, G)),
        ("S(Q)-1 -> FT", (R, G)),
        ("converted from g(r) - 1", (R, G)),
        ("low-r: g(r)=0 enforced", (R, G)),
        ("obtained from the structure factor", (R, G)),
        ("r in Å, Q in nm^-1", (R, G)),
        ("Q limits [1.2, 24.0]", (R, G)),
        ("detector distance unit = nm", (R, G)),
        ("particle radius r in nm = 5", (R, G)),
        ("units: arb\n# r G", (R, G)),
    ],
)
def test_the_measured_column_is_read(tmp_path, labels, columns):
    path = write(tmp_path, f"# {labels}\n" + rows(*columns), "sample.txt")
    pdf = read_pdf(path)
    np.testing.assert_allclose(pdf.r, R)
    np.testing.assert_allclose(pdf.g, G, atol=1e-6)


def test_a_fit_of_pdfgui_is_the_sum_of_two_columns():
    lines = PDFGUI.splitlines()
    table = np.loadtxt(FIT.splitlines())
    assert read_columns(lines, "x.fgr", table).y == (1, 4)
    assert read_columns(["r G(r)"], "x.gr", table[:, :2]).y == (1,)


@pytest.mark.parametrize(
    ("labels", "columns", "named"),
    [
        # two that may be it, or none
        ("r G1(r) G2(r)", (R, G, CALC), r"G1\(r\), G2\(r\) .*column"),
        ("r Na-Na Na-Cl", (R, G, CALC), "Na-Na, Na-Cl .*column"),
        ("r gcalc gdiff gfit", (R, CALC, G - CALC, CALC), "gdiff.*column"),
        # a fit without the measured curve; which one is without background
        ("r Gcalc Gdiff", (R, CALC, G - CALC), "Gcalc.*column"),
        ("r data bkg G(r)", (R, CALC, CALC - G, G), "data.*column"),
        # two curves, each beside its r
        ("r_1 G_1 r_2 G_2", (R, G, R, np.sin(R)), "r in more.*column"),
        # a function of Q
        ("reduced structure factor, Q (1/A)", (R, G), "function of Q.*quantity"),
        ("momentum transfer vs. structure function", (R, G), "function of Q"),
        # no labels, and two like curves
        ("", (R, CALC, G), "columns 2 and 3 .*column"),
        # the same with a first row without numbers, which is left out
        ("", (R, with_first(CALC, np.nan), G), "columns 2 and 3 .*column"),
        ("", (R, CALC, with_first(G, np.inf)), "columns 2 and 3 .*column"),
        # a label or a unit that is not known
        ("r rho(r)", (R, G), r"rho\(r\).*quantity"),
        ("r  c_rdf[2]", (R, G), r"c_rdf\[2\].*quantity"),
        ("r (mm) G(r)", (R, G), r"r \(mm\).*r_unit"),
        ("Data type: rho(r)", (R, G), "quantity"),
    ],
)
def test_columns_that_are_not_known_are_an_error(tmp_path, labels, columns, named):
    path = write(tmp_path, f"# {labels}\n" + rows(*columns), "sample.txt")
    with pytest.raises(ValueError, match=named) as caught:
        read_pdf(path)
    assert "\n" not in str(caught.value)


def test_a_column_can_be_given(tmp_path):
    path = write(tmp_path, "# r G1(r) G2(r)\n" + rows(R, CALC, G))
    np.testing.assert_allclose(
        read_pdf(path, column=3, quantity="G(r)").g, G, atol=1e-6
    )
    with pytest.raises(ValueError, match=r"column .* 3, .* 4"):
        read_pdf(path, column=4)
    path = write(tmp_path, rows(R, CALC, G))
    np.testing.assert_allclose(read_pdf(path, column=3).g, G, atol=1e-6)


@pytest.mark.parametrize(
    "comment",
    [
        # sentences and titles that are no labels
        "Measured at 300 K, background subtracted",
        "nickel powder",
        "R = 0.12, chi2 = 3",
        "Q-space corrected, smoothed",
        "two theta zero corrected",
        "r and G(r) in Angstrom",
        "the data begin below",
        # sentences that are labels
        "two columns: distance, PDF",
        "first column r (Å), second column G(r)",
        "distance in Angstrom, PDF",
    ],
)
def test_a_last_comment_may_be_a_sentence(tmp_path, comment):
    pdf = read_pdf(write(tmp_path, f"# {comment}\n" + TWO, "sample.txt"))
    np.testing.assert_allclose(pdf.g, G, atol=1e-6)
    assert pdf.notes == ()


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("r (bohr)\tG(r)", "bohr"),
        ("r / nm   G / nm^-2", "nm"),
        ("r_pm,G", "pm"),
        ("units: bohr\nr G(r)", "bohr"),
        ("r_unit = nm\nr G(r)", "nm"),
        ("r is in nm, G in nm^-2", "nm"),
        # Origin
        ("r\tG(r)\nnm\tnm-2", "nm"),
        ('{"length_unit": "bohr"}', "bohr"),
    ],
)
def test_the_unit_of_r_is_read(tmp_path, header, unit):
    size = {"nm": 10, "pm": 0.01, "bohr": 0.529177210544}[unit]
    lines = "".join(f"# {line}\n" for line in header.splitlines())
    table = rows(R / size, G * size**2)
    pdf = read_pdf(write(tmp_path, lines + table, "sample.txt"))
    np.testing.assert_allclose(pdf.r, R, rtol=1e-5)
    np.testing.assert_allclose(pdf.g, G, rtol=1e-4, atol=1e-5)


def test_r_and_g_may_have_different_units(tmp_path):
    path = write(tmp_path, "# r (nm)   G(r) (Å⁻²)\n" + rows(R / 10, G))
    np.testing.assert_allclose(read_pdf(path).g, G, atol=1e-6)
