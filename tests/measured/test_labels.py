import pytest

from gromega.measured.labels import abscissa, length_unit, read_label, split_labels


@pytest.mark.parametrize(
    ("text", "function"),
    [
        # PDFgetX3, PDFgui, Mantid, STOG, scipp, RMCProfile, Gudrun, LAMMPS
        (r"G($\AA^{-2}$)", "G(r)"),
        ("G(r)", "G(r)"),
        ("PDF", "G(r)"),
        ("g", "g"),
        ("G_k(r) (barn/sr/atom)", "Keen G(r)"),
        ("GKofR", "Keen G(r)"),
        ("G^K(r)", "Keen G(r)"),
        ("G(r) (barn)", "Keen G(r)"),
        ("g(r)", "g(r)"),
        ("g(r)-1", "g(r)-1"),
        ("g(r) - 1", "g(r)-1"),
        ("h(r)", "g(r)-1"),
        ("d(r)", "D(r)"),
        ("D(r)", "D(r)"),
        ("T(r)", "T(r)"),
        ("R(r)", "R(r)"),
        ("RDF", "RDF"),
        # which say nothing
        ("y", ""),
        ("value", ""),
        # which are not known: a partial, a density, a coordination number, a name
        ("g_NaCl(r)", None),
        ("rho(r)", None),
        ("n(r)", None),
        ("c_rdf[2]", None),
        # of Q
        ("S(Q)", None),
    ],
)
def test_functions_of_r_are_known_by_their_labels(text, function):
    assert read_label(text).function == function


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("F(Q)", "F"),
        ("F($1/\\AA$)", "F(Q)"),
        ("Q[S(Q)-1]", "F(Q)"),
        ("F(Q) (barn)", "Keen F(Q)"),
        ("S(Q)", "S(Q)"),
        ("S(Q)-1", "S(Q)-1"),
        ("I(Q)", "I(Q)"),
        ("i(Q)", None),
        ("G(r)", None),
    ],
)
def test_functions_of_q_are_known_by_their_labels(text, function):
    assert read_label(text, of_q=True).function == function


@pytest.mark.parametrize(
    ("text", "role"),
    [
        *((name, "observed") for name in ("gobs", "G_exp(r)", "PDF (Expt)", "y_data")),
        *(
            (name, "calculated")
            for name in ("ycalc", "PDF (RMC)", "G(r) fit", "gmodel")
        ),
        *((name, "difference") for name in ("Gdiff", "residual", "diff")),
        *((name, "error") for name in ("dy", "d_Gr", "dG(r)", "sigma_G", "weights")),
        *((name, "") for name in ("G(r)", "d(r)", "D", "y")),
    ],
)
def test_the_role_of_a_column_is_known_by_its_label(text, role):
    assert read_label(text).role == role


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *((name, "Å") for name in ("Å", "\\AA", "A", "angstroms", "Å⁻²", "1/A", "A-1")),
        *((name, "nm") for name in ("nm", "nm^-1", "1/nm", "nm⁻²", "nanometers")),
        *((name, "pm") for name in ("pm", "pm^{-2}")),
        *((name, "bohr") for name in ("bohr", "a0", "1/a0", "a.u.", "bohr^-1")),
        *((name, None) for name in ("mm", "m", "px", "arb. units")),
        ("", ""),
    ],
)
def test_units_of_length_are_known(text, unit):
    assert length_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("r", ("r", "")),
        ("r($\\AA$)", ("r", "Å")),
        ("r / nm", ("r", "nm")),
        ("r_pm", ("r", "pm")),
        ("distance in Å", ("r", "Å")),
        ("R (a.u.)", ("r", "bohr")),
        ("r (mm)", ("r", None)),
        ("Q(1/nm)", ("Q", "nm")),
        ("two_theta", ("2θ", "")),
        ("s(A^-1)", ("2θ", "Å")),
        ("x", ("", "")),
        # words that begin like one
        ("s", None),
        ("r range", None),
        ("R-factor", None),
        ("residual", None),
        ("Q-space corrected", None),
    ],
)
def test_abscissas_are_known(text, found):
    assert abscissa(text) == found


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        (
            "#i r dy g(r)-1_calc residual g(r)-1",
            ["i", "r", "dy", "g(r)-1_calc", "residual", "g(r)-1"],
        ),
        ("#L r G(r) dr dG(r)", ["r", "G(r)", "dr", "dG(r)"]),
        (
            "# r (Angstrom)   G_k(r) (barn/sr/atom)",
            ["r (Angstrom)", "G_k(r) (barn/sr/atom)"],
        ),
        ("r,PDF (RMC),PDF (Expt)", ["r", "PDF (RMC)", "PDF (Expt)"]),
        (",r,G(r)", ["", "r", "G(r)"]),
        ('"r (Å)"\t"g(r) - 1"', ["r (Å)", "g(r) - 1"]),
        ("# r (bohr) g(r) - 1", ["r (bohr)", "g(r) - 1"]),
        ("# two columns: distance, PDF", ["distance", "PDF"]),
        ("# first column r (Å), second column G(r)", ["r (Å)", "G(r)"]),
        ("# col 1: r, col 2: g(r)-1", ["r", "g(r)-1"]),
    ],
)
def test_a_line_is_split_into_its_labels(line, labels):
    assert split_labels(line, len(labels)) == labels
