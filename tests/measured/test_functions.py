import numpy as np
import pytest
from gr_files import PDFGETX3, G, R, rows, write

from gromega.measured.pdf import read_pdf

SLOPE = 4 * np.pi * 0.05
KEEN = G / (SLOPE * R)


@pytest.mark.parametrize(
    "header",
    [
        # labels, none, a count, Mantid, STOG, and the names of files of Gudrun
        "# r g(r)-1\n",
        "# r h(r)\n",
        "# r  G_k(r) (barn/sr/atom)\n",
        "",
        "# r G(r)\n",
        "2000\nnickel\n",
        "# File: a_stog.gr\n# Number of points: 2000\n# Data type: G(r)\n# ----\n",
        "# r g\n",
        "# r g(r)\n",
        # units that G(r) does not have; a sentence on the input
        "# r (Å)\tG(r) (a.u.)\n",
        "# r (Å)\tG(r) (1/Å)\n",
        "# converted from D(r)\n",
    ],
)
def test_keens_function_is_known_by_its_label_or_its_values(tmp_path, header):
    pdf = read_pdf(write(tmp_path, header + rows(R, KEEN), "sample.txt"))
    np.testing.assert_allclose(pdf.g * SLOPE, G, atol=1e-5)
    assert any("scale" in note for note in pdf.notes)


@pytest.mark.parametrize("suffix", ["mgor01", "gofr", "gr"])
def test_the_name_of_the_file_does_not_hide_it(tmp_path, suffix):
    pdf = read_pdf(write(tmp_path, rows(R, KEEN), f"sample.{suffix}"))
    np.testing.assert_allclose(pdf.g * SLOPE, G, atol=1e-5)


@pytest.mark.parametrize("header", ["", "# r G(r)\n", "# r g\n", "2000\nnickel\n"])
def test_g_is_known_by_its_values(tmp_path, header):
    pdf = read_pdf(write(tmp_path, header + rows(R, G), "sample.txt"))
    np.testing.assert_allclose(pdf.g, G, atol=1e-6)


@pytest.mark.parametrize("label", ["g(r)", "gr", "RDF"])
def test_a_function_that_tends_to_one_is_g_of_r(tmp_path, label):
    pdf = read_pdf(write(tmp_path, f"# r {label}\n" + rows(R, 1 + KEEN), "sample.txt"))
    np.testing.assert_allclose(pdf.g * SLOPE, G, atol=1e-5)


def test_a_growing_rdf_is_r_of_r(tmp_path):
    path = write(tmp_path, "# r RDF\n" + rows(R, SLOPE * R**2 * (1 + KEEN)))
    pdf = read_pdf(path, number_density=0.05)
    np.testing.assert_allclose(pdf.g, G, atol=1e-5)
    # A wrong density gives no G(r).
    with pytest.raises(ValueError, match="number_density"):
        read_pdf(path, number_density=0.03)


def test_values_that_show_nothing_are_noted(tmp_path):
    late = R > 1
    path = write(tmp_path, rows(R[late], G[late]), "sample.txt")
    (note,) = read_pdf(path).notes
    assert "Keen" in note
    assert read_pdf(path, quantity="G(r)").notes == ()
    # Some programs write one of the two only, and a unit tells them apart.
    for header in (PDFGETX3.replace("composition = Ni\n", ""), "# r  G(r) (Å^-2)\n"):
        path = write(tmp_path, header + rows(R[late], G[late]))
        assert read_pdf(path).notes == ()


def test_a_g_of_r_that_does_not_tend_to_one_is_an_error(tmp_path):
    path = write(tmp_path, "# r g(r)\n" + rows(R, 2 + KEEN), "sample.txt")
    with pytest.raises(ValueError, match=r"g\(r\).*quantity"):
        read_pdf(path)
