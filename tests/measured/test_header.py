import gzip

import numpy as np
import pytest
from gr_files import (
    FIT,
    FOUR,
    MANTID,
    NOMAD,
    PDFGETN,
    PDFGETX2,
    PDFGETX3,
    PDFGUI,
    PDFGUI_OLD,
    TWO,
    XPDFSUITE,
    G,
    R,
    commented,
    rows,
    write,
)
from hypothesis import given
from hypothesis import strategies as st

from gromega.measured.header import header_lines, read_header
from gromega.measured.pdf import read_pdf


@pytest.mark.parametrize(
    ("content", "dialect", "stated"),
    [
        # an INI header: its qmax, not qmaxinst, and its mode, not a file's name
        (PDFGETX3 + TWO, "PDFgetX3", {"qmin": 0.5, "qmax": 24.5, "radiation": "xray"}),
        # the same with every line commented: alike
        (
            commented(PDFGETX3) + TWO,
            "PDFgetX3",
            {"qmin": 0.5, "qmax": 24.5, "radiation": "xray"},
        ),
        # xPDFsuite with paths that name another radiation and program: its mode
        (
            XPDFSUITE + TWO,
            "xPDFsuite",
            {"qmin": 0.4, "qmax": 22.0, "radiation": "neutron"},
        ),
        # PDFgetN3 without a mode: neutrons
        (
            "version = diffpy.pdfgetn3-1.0\nqmax = 30\n" + TWO,
            "PDFgetN3",
            {"qmax": 30.0, "radiation": "neutron"},
        ),
        # PDFgetX2 with CRLF, rows of numbers in its header, errors that are nan:
        # the qmax of S(q), not that of the optimization
        (
            (PDFGETX2 + FOUR).replace("\n", "\r\n"),
            "PDFgetX2",
            {"qmin": 0.8, "qmax": 26.0, "radiation": "xray"},
        ),
        # PDFgetN: its qmax, not a bank's
        (
            PDFGETN + FOUR,
            "PDFgetN",
            {"qmin": 0.85, "qmax": 35.0, "radiation": "neutron"},
        ),
        # a fit of PDFgui: the observed curve is the calculated plus the difference
        (
            PDFGUI + FIT,
            "PDFgui",
            {"qmax": 31.4, "qdamp": 0.0218, "qbroad": 0.0121, "radiation": "neutron"},
        ),
        # the data of an old PDFgui: qsig and qalp are qdamp and qbroad
        (
            PDFGUI_OLD + FOUR,
            "PDFgui",
            {"qmax": 20.0, "qdamp": 0.03, "qbroad": 0.02, "radiation": "xray"},
        ),
        # NOMAD and Mantid: all in one comment line
        (
            NOMAD + TWO,
            "NOMAD",
            {
                "qmax": 31.414,
                "qdamp": 0.017659,
                "qbroad": 0.0191822,
                "radiation": "neutron",
            },
        ),
        (
            MANTID + FOUR,
            "Mantid",
            {"qmin": 0.910607, "qmax": 34.9906, "radiation": "neutron"},
        ),
        # keys of no program we know: read as well
        ("composition = Cd Se\nQmax (1/Å): 19\n\n" + TWO, "key = value", {"qmax": 19}),
        ("# X-ray PDF of nickel\n" + TWO, "columns", {"radiation": "xray"}),
        ("radiation = X-rays\n" + TWO, "columns", {"radiation": "xray"}),
        ("# stype: 'N'\n" + TWO, "columns", {"radiation": "neutron"}),
        # decimal commas
        (
            "qmax = 24,6\nqdamp = 0,04, no fit\n" + TWO,
            "key = value",
            {"qmax": 24.6, "qdamp": 0.04},
        ),
        # words that begin like those, but are none
        ("mode = normal\n" + TWO, "columns", {}),
        ("radiation: none\n# stype = xafs\n" + TWO, "columns", {}),
        # bare columns by space, tab, comma, semicolon with decimal commas: nothing
        (TWO, "columns", {}),
        (rows(R, G, delimiter="\t"), "columns", {}),
        ('"r","G(r)"\n' + rows(R, G, delimiter=","), "columns", {}),
        (TWO.replace(" ", ";").replace(".", ","), "columns", {}),
        (TWO.replace(".", ","), "columns", {}),
        # exponents of Fortran, stars, a last line without an end: read
        ("0.001D0 -1.0d-3 ****\n" + rows(R, G, 0 * R).rstrip(), "columns", {}),
        # compressed; with a mark; in UTF-16; in Latin-1: read
        (gzip.compress((PDFGETX2 + FOUR).encode()), "PDFgetX2", {"qmax": 26.0}),
        (("qmax = 24\n" + TWO).encode("utf-8-sig"), "key = value", {"qmax": 24.0}),
        ((PDFGETX3 + TWO).encode("utf-16"), "PDFgetX3", {"qmax": 24.5}),
        ((PDFGETX3 + TWO).encode("latin-1"), "PDFgetX3", {"qmax": 24.5}),
    ],
)
def test_each_dialect_is_read(tmp_path, content, dialect, stated):
    pdf = read_pdf(write(tmp_path, content))
    inside = pdf.r >= R[0]
    np.testing.assert_allclose(pdf.r[inside], R)
    np.testing.assert_allclose(pdf.g[inside], G, atol=1e-6)
    assert pdf.dialect == dialect
    assert {name: pdf.stated[name] for name in stated} == stated
    if not stated:
        assert set(pdf.stated) == {"rmin", "rmax"}
    assert [note for note in pdf.notes if "composition" not in note] == []


@pytest.mark.parametrize(
    ("header", "stated"),
    [
        # Q in the unit that it is said to be in
        ("qmax = 250 nm^-1\nqdamp = 0.4 (1/nm)\n", {"qmax": 25.0, "qdamp": 0.04}),
        ("Qmax (1/nm) = 250\nqmin[nm⁻¹]: 5\n", {"qmax": 25.0, "qmin": 0.5}),
        ("qmax = 0.25 pm-1\nqbroad = 1e-4 /pm\n", {"qmax": 25.0, "qbroad": 0.01}),
        ("qmax = 24.5 Å⁻¹\nqmin = 0.5 1/A\n", {"qmax": 24.5, "qmin": 0.5}),
        ("qmax (inv. Angstrom) = 24.5\n", {"qmax": 24.5}),
        ("qmax = 250 nm^{-1}\nqdamp = 0.04 \\AA^{-1}\n", {"qmax": 25.0}),
        ("qmax = 240 nm**-1\nqmin = 5 reciprocal nm\n", {"qmax": 24.0, "qmin": 0.5}),
        ("qmax = 240 nanometer^-1\nqmin: 5 rad/nm\n", {"qmax": 24.0, "qmin": 0.5}),
        ("Qmax = 12.7 1/Bohr\n", {"qmax": 23.99952}),
        ("Q unit: nm^-1\nQmin = 5\nQmax = 240\n", {"qmax": 24.0, "qmin": 0.5}),
        ('{"Qmax": 240, "Qmax_unit": "nm^-1"}\n', {"qmax": 24.0}),
        ("Qmax/nm^-1 = 225\n", {"qmax": 22.5}),
        ("Qmax in nm^-1: 225\n", {"qmax": 22.5}),
        # a length is none, nor are other words
        ("qmax = 25 pm run\nqdamp = 0.04 nm\n", {"qmax": 25.0, "qdamp": 0.04}),
        ("qmax = 24.5 nmax = 3\nqmin = 1 and a half\n", {"qmax": 24.5, "qmin": 1.0}),
    ],
)
def test_q_is_in_the_unit_that_a_header_states(tmp_path, header, stated):
    pdf = read_pdf(write(tmp_path, header + TWO))
    found = {name: pdf.stated[name] for name in stated}
    assert found == pytest.approx(stated)
    assert pdf.notes == ()


@pytest.mark.parametrize(
    ("header", "stated"),
    [
        # exponents of Fortran; other marks than "="
        ("qmax = 2.4D+01\nqdamp = 3.5D-02", {"qmax": 24.0, "qdamp": 0.035}),
        ("Qmax,24", {"qmax": 24.0}),
        ('"Qmax";"24"', {"qmax": 24.0}),
        ("Qmax\t24", {"qmax": 24.0}),
        ("Maximum Q: 24 A^-1", {"qmax": 24.0}),
        # not those of the instrument and of the data
        ("Qmax(inst) = 30\nQmax = 24", {"qmax": 24.0}),
        ("Instrument Qmax: 30\nQmax used: 24", {"qmax": 24.0}),
        ("Qmax = 30 (raw)\nqmin = 0.5", {"qmin": 0.5}),
        (
            "measured Q range 0.3 to 30, used Q range 0.5 to 24",
            {"qmin": 0.5, "qmax": 24.0},
        ),
        # the same value twice
        ("qmax = 24\nQmax: 24.0", {"qmax": 24.0}),
    ],
)
def test_the_q_of_the_transform_is_read(header, stated):
    found = read_header(header_lines(header.split("\n")))
    assert found.stated == pytest.approx(stated)
    assert not found.unclear


@pytest.mark.parametrize(
    ("header", "unclear"),
    [
        # two values; a unit that is not known; none beside one in 1/nm
        ("qmax = 30\nqmax = 24\nqmin = 0.5", {"qmax"}),
        ("Qmax = 12.7 a.u.", {"qmax"}),
        ("Qmax = 2.4 (10^10 m^-1)", {"qmax"}),
        ("Qmax = 2.4 x 10^1", {"qmax"}),
        ("Qmax = 120 degrees", {"qmax"}),
        ("Qmin = 5, Qmax = 240 nm^-1", {"qmin"}),
        ("Q unit: cm^-1\nQmin = 5\nQmax = 240", {"qmin", "qmax"}),
    ],
)
def test_an_unclear_q_is_not_used_and_has_a_note(tmp_path, header, unclear):
    found = read_header(header_lines(header.split("\n")))
    assert {*found.unclear} == unclear and not unclear & {*found.stated}
    pdf = read_pdf(write(tmp_path, f"{header}\n{TWO}"))
    assert unclear <= {*pdf.assumed}
    for name in unclear:
        assert any(name in note for note in pdf.notes)
    given = {name: {"qmin": 0.5, "qmax": 24.0}[name] for name in unclear}
    assert read_pdf(write(tmp_path, f"{header}\n{TWO}"), **given).notes == ()


@pytest.mark.parametrize(
    ("line", "radiation"),
    [
        ("mode: n/a", None),
        ("mode = X-Y scan", None),
        ("mode = n-butane", None),
        ("mode = xray, neutron", None),
        ("radiation: neutron and x-ray", None),
        ("mode: neutron, comment = xray", "neutron"),
        ("stype = X", "xray"),
        ("mode = neutrons (NOMAD)", "neutron"),
    ],
)
def test_a_radiation_is_one_word(line, radiation):
    assert read_header([line]).stated.get("radiation") == radiation


@pytest.mark.parametrize(
    ("header", "stated"),
    [
        ("composition = Ni\n", "Ni"),
        # a list, decimal commas, LaTeX, other keys behind
        ("composition = Na,Cl\n", "Na Cl"),
        ("composition: Na 0.5, Cl 0.5\n", "Na 0.5 Cl 0.5"),
        ("composition = La0,7Sr0,3MnO3\n", "La0.7Sr0.3MnO3"),
        ("composition = TiO_{2}\n", "TiO2"),
        ("composition=NaCl qmax=24\n", "NaCl"),
        ("composition = NaCl; container = V\n", "NaCl"),
        ("# Comment: x, composition=NaCl, Qmin=0.4\n", "NaCl"),
        ("# Composition: 'Cd Se' \n", "Cd Se"),
        ("composition = Ca5 (P O4)3 O H\nqmax = 20\n", "Ca5 (P O4)3 O H"),
        # not a formula, another key, or no key: not known
        ("composition = \nqmax = 20\n", None),
        ("decomposition = Ni\n", None),
        ("composition = N/A\n", None),
        ("composition = unknown\n", None),
        ("composition\t=\tNi # the calibrant\n", "Ni"),
        ("chemical formula: C 10 H 8\n", "C 10 H 8"),
        ("", None),
    ],
)
def test_the_composition_of_the_header_is_taken_with_a_note(tmp_path, header, stated):
    path = write(tmp_path, header + TWO)
    pdf = read_pdf(path)
    assert pdf.composition == stated
    found = [note for note in pdf.notes if "composition" in note]
    assert len(found) == (stated is not None)
    assert all(stated in note for note in found)
    # a given one replaces it
    for option, known in (("MgO", "MgO"), ("unknown", None)):
        other = read_pdf(path, composition=option)
        assert other.composition == known
        # a contradiction has a note
        assert len(other.notes) == (stated is not None and known is not None)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("composition = La2-xSrxCuO4", "La2-xSrxCuO4"),
        ("composition = sample 3", "sample 3"),
        ("composition = PbTe 300K", "PbTe 300K"),
        ("composition = TiO2 nano", "TiO2 nano"),
        ("composition = tio2", "tio2"),
        ("# Composition: TiO2; 300 K", "TiO2; 300 K"),
        ("composition = In-house", "In-house"),
        ("composition = Ba(Ti,Zr)O3", "Ba(Ti,Zr)O3"),
        # several compounds, or two keys
        ("composition = NaCl, KCl", "NaCl, KCl"),
        ("composition = SiO2\ncomposition = NaCl", "SiO2 or NaCl"),
        # capitals that can mean two formulas
        ("composition = SIO2", "SIO2"),
    ],
)
def test_a_composition_that_is_not_a_formula_is_named(tmp_path, header, named):
    path = write(tmp_path, f"{header}\n{TWO}")
    pdf = read_pdf(path)
    assert pdf.composition is None
    (note,) = pdf.notes
    assert named in note
    assert read_pdf(path, composition="La1.85Sr0.15CuO4").notes == ()


def test_a_radiation_that_is_not_known_is_named(tmp_path):
    pdf = read_pdf(write(tmp_path, "mode = electron\n" + TWO))
    assert "electron" in pdf.notes[0]
    assert "radiation" in pdf.assumed


def test_the_suffix_states_the_function_of_a_bare_file(tmp_path):
    with pytest.raises(ValueError, match=r"F\(Q\)"):
        read_pdf(write(tmp_path, TWO, "sample.fq"))


qs = st.floats(0.01, 40, allow_nan=False).map(lambda q: float(f"{q:.6g}"))


@given(
    st.sampled_from(["", "# ", "## "]),
    st.sampled_from([" = ", "=", ": "]),
    st.dictionaries(st.sampled_from(["qmin", "qmax", "qdamp", "qbroad"]), qs),
    st.sampled_from([None, "xray", "neutron"]),
)
def test_a_header_that_is_written_is_read_back(comment, equals, stated, radiation):
    words = {**stated, **({"mode": radiation} if radiation else {})}
    lines = [f"{comment}{name}{equals}{value}" for name, value in words.items()]
    header = read_header(header_lines([*lines, f"{comment}#L r(A) G(r)"]))
    expected = {**stated, **({"radiation": radiation} if radiation else {})}
    assert header.stated == pytest.approx(expected) if stated else True
    assert header.stated.keys() == expected.keys()
    assert header.stated.get("radiation") == radiation


@given(st.dictionaries(st.sampled_from(["qmin", "qmax", "qdamp"]), qs, min_size=1))
def test_q_in_inverse_nanometres_is_read_back_in_inverse_angstroms(stated):
    lines = [f"{name} = {10 * value!r} nm^-1" for name, value in stated.items()]
    header = read_header(lines)
    assert header.stated == pytest.approx(stated)
    assert header.unitless == ()


@pytest.mark.parametrize(
    "line",
    [
        "Qmin, Qmax = 0.6, 21.5",
        "Qmin, Qmax = 0,6, 21,5",
        "Qmin/Qmax: 0.6/21.5",
        "Qmin - Qmax = 0.6 - 21.5",
        "Qmin\u2013Qmax 0.6\u201321.5",
        "Qmax, Qmin = 21.5; 0.6",
        "Qmin and Qmax are 0.6 and 21.5",
        "rmin rmax qmin qmax = 0 30 0.6 21.5",
        "qmin, qmax (1/nm) = 6, 215",
        "Q range: 0.6 - 21.5 A^-1",
        "Q-range (1/nm) = 6 to 215",
        "'q_range': [0.6, 21.5]",
        "Q = 0.6-21.5",
        "Q from 0.6 to 21.5",
        "0.6 < Q < 21.5",
        "0.6 <= Q <= 21.5 1/A",
        "Qmin=0.6 Qmax=21.5",
        "Qmin 0.6, Qmax 21.5",
        "qmin: 0.6,qmax: 21.5",
        "$Q_{min}$ = 0.6, $Q_{max}$ = 21.5",
        '{"qmin": 0.6, "qmax": 21.5}',
    ],
)
def test_ranges_and_pairs_are_read(line):
    stated = read_header(header_lines([f"# {line}\n"])).stated
    assert stated == pytest.approx({"qmin": 0.6, "qmax": 21.5})


@pytest.mark.parametrize(
    "line",
    [
        # which of two, or no number at all
        "Qmin, Qmax = 0.6",
        "Qmax = 21.5 - 25",
        "Qmin Qmax",
        # other keys
        "qmaxinst = 27",
        "optqmax=38",
        "smoothqmin=12",
    ],
)
def test_a_q_that_is_not_sure_is_not_read(line):
    assert read_header(header_lines([line])).stated == {}


def test_json_is_read():
    line = '{"qmax": 25, "composition": "NaCl", "radiation": "neutron", "qdamp": 0.02}'
    header = read_header(header_lines([line]))
    assert header.stated == {"qmax": 25, "qdamp": 0.02, "radiation": "neutron"}
    assert header.composition == "NaCl"


@pytest.mark.parametrize(
    ("lines", "usual"),
    [
        # a count, or PDFgetX3 without a mode
        (["2999", "nickel"], "neutron"),
        (["2999", "/home/me/PDF PWDR Ni_98keV_xray.gr"], "xray"),
        (["version = diffpy.pdfgetx-2.1.1", "qmax = 25"], "xray"),
    ],
)
def test_the_usual_radiation_of_a_program_is_not_stated(lines, usual):
    header = read_header(lines)
    assert header.usual == {"radiation": usual}
    assert "radiation" not in header.stated


@pytest.mark.parametrize(
    "line", ["qmin   " * 140, "qmin qmax " + "1,2," * 240 + "x", "q range" * 140]
)
def test_hostile_headers_are_read(line):
    assert read_header(header_lines([line] * 20)).stated == {}
