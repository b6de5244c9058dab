import csv
import gzip
import io
import os
import threading
from contextlib import suppress
from dataclasses import fields

import numpy as np
import pytest
from conftest import SHARED
from scipy.interpolate import make_interp_spline

import gromega
from gromega.conditions import GRID_STEP, REFERENCE, Conditions
from gromega.measured import header as gr_file
from gromega.measured.header import MIN_ROWS
from gromega.measured.pdf import MeasuredPDF, read_pdf, to_input, to_inputs
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, input_operator
from gromega.pdf.operator import apply_operator, operator
from gromega.pdf.spectrum import pair_spectra

R = np.round(np.arange(1, 2001) * 0.01, 2)
G = np.sin(2.5 * R) * np.exp(-R / 20)

PDFGETX3 = """[DEFAULT]

version = diffpy.pdfgetx-2.1.1

# input and output specifications
dataformat = QA
inputfile = neutron_beamline.chi
outputtype = gr

# PDF calculation setup
mode = xray
composition = Ni
rpoly = 0.9
qmaxinst = 27.0
qmin = 0.5
qmax = 24.5
rmin = 0
rmax = 6
rstep = 0.01

# End of config --------------------------------------------------------------

#### start data
#S 1
#L r(Å)  G(Å$^{-2}$)
"""
XPDFSUITE = r"""# xPDFsuite Configuration #
[PDF]
wavelength = 0.1
mode = neutron
outputtype = gr
qmaxinst = 25.0
qmin = 0.4
qmax = 22.0

[Misc]
inputdir = /home/me/2017_NOMAD/xray

#### start data
#S 1
#L r($\AA$)  G($\AA^{-2}$)
"""
PDFGETX2 = """History written: Wed Jul 30 00:37:52 2003
Produced by me
####### Get_XPDF #######

##### Data&Background
det#  used  xcol detcol
  0    1    0    1    2    0.700000    36.0000
  1    1    0    1    2    0.700000    36.0000

##### SqGr_Optimization Setup
## S(q)  qmin=0.800000    qmax=26.000000    qgrid=0.000000
## SqOptimization  sqoptfunction=1
optqmin=20.0000    optqmax=38.0000    optqgrid=0.000000
##### start data
#F me.gr
#S 1    G(r)
#L r(A)    G(r)    d_r    d_Gr
"""
PDFGETN = """History written: Wed Oct 12 14:46:29 2005
produced by me
##### Run Information     runCorrection=T
prep=gsas     machine=npdf
bank   angle   blendQmin   blendQmax       (0.0 means no info)
  1     45.0        0.85    10.00
  2     90.0        1.65    31.00
## Damp     Qmin=0.85     Qmax=35.00     startDampQ=32.00    QAveMin=0.6
##### start data
#O0 rg_int sig_rg_int low_int sig_low_int rmax rhofit
#S 1 - PDF from PDFgetN
#P0 **********    7.02817    0.42135    0.02031    1.50  ******
#L r G(r) dr dG(r)
"""
PDFGUI = """History written: Mon Mar 27 21:12:27 2023
produced by me
##### PDFgui fit
stype=N  neutron scattering
qmax=31.40
qdamp=0.0218
qbroad=0.0121
fitrmax=19
##### start data
#L r(A) G(r) d_r d_Gr Gdiff
"""
PDFGUI_OLD = """##### PDFgui
stype=X  x-ray scattering
qmax=20
qsig=0.03
qalp=0.02
##### start data
#L r(A) G(r) d_r d_Gr
"""
NOMAD = """# 2000
# file: PDF/NOM_9999_xray_ftfrgr.gr
# created: Thu Sep 29 18:48:08 2016
# Comment: neutron, Qmax=31.414, Qdamp=0.017659, Qbroad= 0.0191822
#
"""
MANTID = """#Comment: neutron, Qmin=0.910607, Qmax=34.9906
##### start data
#S 1 - PDF from Mantid 6.10.0.1
#L r G(r) dr dG(r)
"""


def rows(*columns, delimiter=" "):
    file = io.StringIO()
    np.savetxt(file, np.transpose(columns), fmt="%.8g", delimiter=delimiter)
    return file.getvalue()


TWO = rows(R, G)
FOUR = rows(R, G, 0 * R, np.where(R < 1, np.nan, 0.1))
FIT = rows(R, G - 0.1 * np.cos(R), 0 * R, 0 * R, 0.1 * np.cos(R))


def write(tmp_path, content, name="sample.gr"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def commented(text):
    return "".join(f"# {line}" for line in text.splitlines(keepends=True))


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
    assert [note for note in pdf.notes if not note.startswith("The composition")] == []


@pytest.mark.parametrize(
    ("header", "stated"),
    [
        ("composition = Ni\n", "Ni"),
        ("# Composition: 'Cd Se' \n", "Cd Se"),
        ("composition = Ca5 (P O4)3 O H\nqmax = 20\n", "Ca5 (P O4)3 O H"),
        # what is none, is of other things, or is not there: not known
        ("composition = \nqmax = 20\n", None),
        ("decomposition = Ni\n", None),
        ("composition = N/A\n", None),
        ("composition = In-house\n", None),
        ("composition\t=\tNi # the calibrant\n", "Ni"),
        ("", None),
    ],
)
def test_the_composition_of_the_header_is_taken_and_said(tmp_path, header, stated):
    path = write(tmp_path, header + TWO)
    pdf = read_pdf(path)
    assert pdf.composition == stated
    said = [note for note in pdf.notes if "composition" in note]
    assert len(said) == (stated is not None)
    assert all(f"The composition {stated} is the header's" in note for note in said)
    # what is given counts
    for given, known in (("MgO", "MgO"), ("unknown", None)):
        other = read_pdf(path, composition=given)
        assert (other.composition, other.notes) == (known, ())


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("composition = La2-xSrxCuO4", "La2-xSrxCuO4"),
        ("composition = sample 3", "sample 3"),
        ("composition = PbTe 300K", "PbTe 300K"),
        ("composition = TiO2 nano", "TiO2 nano"),
        ("composition = tio2", "tio2"),
        ("# Composition: TiO2; 300 K", "TiO2; 300 K"),
        # a list in brackets, of which a comma cuts off the rest
        ("composition = Ba(Ti,Zr)O3", "Ba(Ti"),
        # capitals alone: tritium is not meant
        ("composition = TIO2", "TIO2"),
    ],
)
def test_a_composition_that_is_no_formula_is_named(tmp_path, header, named):
    path = write(tmp_path, f"{header}\n{TWO}")
    pdf = read_pdf(path)
    assert pdf.composition is None
    (note,) = pdf.notes
    assert note.startswith(f"The header's composition {named} was not used")
    assert read_pdf(path, composition="La1.85Sr0.15CuO4").notes == ()


def test_what_neither_file_nor_caller_state_is_assumed(tmp_path):
    pdf = read_pdf(write(tmp_path, "qmax = 24\n" + TWO), qdamp=0.03, radiation="xray")
    assert pdf.conditions() == REFERENCE.at(qmax=24, qdamp=0.03, rmax=20)
    known = {"rmin", "rmax", "qmax", "qdamp", "radiation"}
    assert set(pdf.assumed) == {f.name for f in fields(Conditions)} - known


@pytest.mark.parametrize(
    ("head", "given", "message"),
    [
        ("qmax = 25\n", {"qmin": 30}, "got qmin 30 and qmax 25"),
        ("", {"qmin": 30}, "got qmin 30 and qmax 23; what neither .* is taken from"),
        ("qmin = 2\n", {"qmax": 1.5}, "got qmin 2 and qmax 1.5"),
        ("", {"rmin": 16.8}, r"r goes from 16.8 to 20 Å, but 3.5 Å or more"),
        ("", {"rmin": 40}, "from 0.01 to 20 Å, of which rmin and rmax leave nothing"),
    ],
)
def test_limits_are_looked_at_beside_those_of_the_file(tmp_path, head, given, message):
    with pytest.raises(ValueError, match=message):
        read_pdf(write(tmp_path, head + TWO), **given)


def test_conditions_are_the_files_and_else_the_reference(tmp_path):
    pdf = read_pdf(write(tmp_path, XPDFSUITE + TWO))
    assert pdf.stated["rmin"] == 0.01
    # r starts below what the network sees: its own start
    assert pdf.conditions() == Conditions(
        rmin=1.5, rmax=20.0, qmin=0.4, qmax=22.0, radiation="neutron"
    )


def test_options_override_the_header(tmp_path):
    path = write(tmp_path, PDFGETX3 + TWO)
    pdf = read_pdf(path, qmax=21.0, qdamp=0.03, radiation="neutron", rmax=12.0)
    assert pdf.conditions() == REFERENCE.at(
        qmax=21.0, qdamp=0.03, radiation="neutron", rmax=12.0
    )
    assert pdf.r[-1] == 12.0


def test_a_qmax_that_no_grid_holds_is_not_used(tmp_path):
    path = write(tmp_path, PDFGETX2.replace("qmax=26", "qmax=100") + FOUR)
    pdf = read_pdf(path)
    assert pdf.conditions().qmax == REFERENCE.qmax
    assert "qmax of 100 was not used" in pdf.notes[0]
    assert read_pdf(path, qmax=24.0).conditions().qmax == 24.0


def test_a_qmax_below_the_reference_qmin_is_not_used(tmp_path):
    path = write(tmp_path, PDFGETX2.replace("qmax=26", "qmax=0.4") + FOUR)
    pdf = read_pdf(path)
    assert pdf.conditions().qmax == REFERENCE.qmax
    assert "qmax of 0.4 was not used: qmax must be above qmin" in pdf.notes[0]


def test_steps_too_coarse_for_qmax_are_noted(tmp_path):
    r = np.arange(1.5, 30, 0.2)
    coarse = write(tmp_path, rows(r, np.sin(9 * r)))
    (note,) = read_pdf(coarse, qmax=20.0).notes
    assert note.startswith("Steps of 0.2 Å hold Q up to 15.7 Å⁻¹, not to a Qmax of 20")
    assert read_pdf(coarse, qmax=15.0).notes == ()


def test_a_diameter_of_none_is_that_of_a_bulk_crystal(tmp_path):
    pdf = read_pdf(write(tmp_path, TWO), diameter=None)
    assert pdf.conditions().diameter == np.inf


def test_heavy_water_scatters_as_deuterium_does(tmp_path):
    path = write(tmp_path, "# r G(r)\n" + TWO)
    plain = read_pdf(path)
    pdf = read_pdf(path, quantity="Keen G(r)", composition="D2O", number_density=0.1)
    # b(D) 6.671 fm, b(O) 5.803 fm
    mean = (2 * 6.671 + 5.803) / 30
    expected = 4 * np.pi * 0.1 * plain.r * plain.g / mean**2
    np.testing.assert_allclose(pdf.g, expected, rtol=2e-3)


def test_a_table_is_looked_for_in_the_first_lines_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("gromega.measured.header.MAX_ABOVE", 50)
    assert (
        read_pdf(write(tmp_path, 49 * "1\n" + TWO)).r.size
        == read_pdf(write(tmp_path, TWO)).r.size
    )
    with pytest.raises(ValueError, match="it has one column of numbers"):
        read_pdf(write(tmp_path, 60 * "1\n" + TWO))


def test_open_files_are_read_and_named(tmp_path):
    with write(tmp_path, PDFGETX3 + TWO).open("rb") as file:
        assert read_pdf(file).dialect == "PDFgetX3"
    assert read_pdf(io.StringIO(TWO)).dialect == "columns"
    with pytest.raises(ValueError, match=r"^the file: it is empty"):
        read_pdf(io.BytesIO(b""))


@pytest.mark.parametrize(("unit", "size"), [("nm", 10), ("pm", 0.01)])
def test_other_units_become_angstroms(tmp_path, unit, size):
    table = rows(R / size, size**2 * G)
    named = read_pdf(write(tmp_path, f"#L r({unit}) G({unit}$^{{-2}}$)\n{table}"))
    told = read_pdf(write(tmp_path, table), r_unit=unit)
    for pdf in (named, told):
        np.testing.assert_allclose(pdf.r, R, rtol=1e-6)
        np.testing.assert_allclose(pdf.g, G, rtol=1e-6)
        assert pdf.notes == (f"r was converted from {unit}.",)


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


def test_q_without_a_unit_beside_r_in_nm_is_not_used(tmp_path):
    table = rows(R / 10, 100 * G)
    header = "qmax = 230\nqmin = 5\nqdamp = 0.4\nqbroad = 0.1 nm^-1\n# r (nm) G(r)\n"
    pdf = read_pdf(write(tmp_path, header + table), qmin=0.4)
    assert "qmax" not in pdf.stated
    assert "qdamp" not in pdf.stated
    assert pdf.stated["qmin"] == 0.4
    assert pdf.stated["qbroad"] == pytest.approx(0.01)
    converted, *notes = pdf.notes
    assert converted == "r was converted from nm."
    assert [note.split(" was")[0] for note in notes] == [
        "The header's qmax of 230",
        "The header's qdamp of 0.4",
    ]


def test_the_file_is_named_where_its_header_is_converted(tmp_path):
    table = rows(R / 10, 0 * R)
    path = write(tmp_path, "qmax = 25\n# r (nm) G(r)\n" + table)
    with pytest.raises(ValueError, match=r"sample\.gr: G\(r\) is 0 everywhere"):
        read_pdf(path)


def test_a_long_function_is_checked_where_the_network_sees_it(tmp_path):
    r = np.arange(1, 40_001) * 0.01
    g = np.sin(2.5 * r) * np.exp(-r / 20)
    assert read_pdf(write(tmp_path, rows(r, g))).notes == ()
    noise = g + 0.5 * np.where(np.arange(r.size) % 2, 1, -1)
    with pytest.raises(ValueError, match="varies as if Qmax were above"):
        read_pdf(write(tmp_path, rows(r, noise)))
    with pytest.raises(ValueError, match="does not oscillate about 0"):
        read_pdf(write(tmp_path, rows(r, 1 + g)))


def test_a_pipe_is_read_and_a_folder_is_said(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(TWO))
    writer.start()
    np.testing.assert_allclose(read_pdf(pipe).r, R)
    writer.join()
    with pytest.raises(IsADirectoryError, match="it is a folder; give a file in it"):
        read_pdf(tmp_path)


@pytest.mark.parametrize(
    "content", [TWO, TWO.replace(" ", ", "), TWO.replace(".", ",")]
)
def test_plain_rows_are_read_at_once(tmp_path, content, monkeypatch):
    # commas between numbers or in them cost no loop over the rows
    slow = []
    monkeypatch.setattr(gr_file, "_number", lambda field: slow.append(field) or 1.0)
    with suppress(ValueError):
        read_pdf(write(tmp_path, content))
    assert len(slow) == 2 * MIN_ROWS


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


def test_without_density_the_shape_is_right_and_a_note_says_what_is_missing(tmp_path):
    content = "2000\nNPDF_no_ripples\n" + rows(R, PEAKS - 1, delimiter="\t")
    pdf = read_pdf(write(tmp_path, content, "sample.txt"))
    assert pdf.dialect == "RMCProfile"
    assert pdf.stated["radiation"] == "neutron"
    np.testing.assert_allclose(pdf.g, G / (4 * np.pi * DENSITY), atol=1e-6)
    assert "needs number_density and composition" in pdf.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # nothing, or no text, or no table: refused
        ("", "sample.gr: it is empty"),
        (bytes(range(256)), "it is not a text file"),
        (gzip.compress(TWO.encode())[:500], "it is broken as a gzip file"),
        ("dear all,\nplease find attached\n", "it has no table of 10 rows"),
        (rows(R), "it has one column of numbers"),
        # a table that ends in something else: the line is named
        (TWO + "20.01", "line 2001, '20.01', is no row of 2 numbers"),
        (TWO + "20.01\n0 1 2\n", "line 2001, '20.01', is no row of 2 numbers"),
        (TWO + "1 2 3 4\n", "line 2001, '1 2 3 4', is no row of 2 numbers"),
        # two files in one: r starts again
        (TWO + "#S 2\n" + TWO, "r must increase, but goes from 20 to 0.01 Å"),
        # no number where one must be
        (rows(R, G + np.nan), "0 of its 2000 rows have numbers"),
        (
            rows(R, np.where(R == 5, np.nan, G)),
            "G.r. is not a number after r = 4.99",
        ),
        # r that is wrong, too short or has a gap
        (rows(R[::-1], G), "r must increase, but goes from 20 to 19.99 Å"),
        (rows(R - 1, G), "r must not be negative, but there is -0.99 Å"),
        (rows(R[:300], G[:300]), "r goes from 0.01 to 3 Å, but 3.5 Å or more"),
        (rows(R + 30, G), "r goes from 30.01 to 50 Å"),
        (rows(R[(R < 8) | (R >= 9)], G[(R < 8) | (R >= 9)]), "between 7.99 and 9 Å"),
        (rows(R[(R < 8) | (R > 8.1)], G[(R < 8) | (R > 8.1)]), "give it in even steps"),
        # G that no sample has
        (rows(R, 0 * R), "G.r. is 0 everywhere; give it in column 2"),
        (rows(R, 0 * R + 5), "G.r. is 5 everywhere; give it in column 2"),
        (rows(R, 1e200 * G), "G.r. goes from -9"),
        # not G(r), by the header
        ("#L Q($1/\\AA$)  F($1/\\AA$)\n" + TWO, "it holds F.Q., not G"),
        ("outputtype = sq\n" + TWO, "it holds S.Q., not G"),
        ("two_theta intensity\n" + TWO, "it holds intensity.two_theta., not G"),
        ("2000\nrmc F(Q) # nickel\n" + TWO, "it holds F.Q., not G"),
        ("#L r T(r)\n" + TWO, "it holds T.r.; give number_density"),
        # not G(r), by its shape: I(Q), g(r) or S(Q), R(r)
        (rows(R, np.exp(-R)), "it does not oscillate about 0 as G.r. does"),
        (rows(R, np.clip(1 + G, 0, 9) - 0.01), "its mean is 0.988"),
        (rows(R, R**2 * (1 + G) - 0.01), "it does not oscillate about 0"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_pdf(write(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_the_ending_tells_what_a_bare_file_holds(tmp_path):
    with pytest.raises(ValueError, match=r"it holds F\(Q\), not G\(r\)"):
        read_pdf(write(tmp_path, TWO, "sample.fq"))


def test_a_radiation_that_is_not_known_is_named(tmp_path):
    pdf = read_pdf(write(tmp_path, "mode = electron\n" + TWO))
    assert "The header's radiation of electron was not used" in pdf.notes[0]
    assert "radiation" in pdf.assumed


def test_nanometres_that_nobody_states_are_refused(tmp_path):
    path = write(tmp_path, rows(R / 10, np.sin(9 * R)))
    with pytest.raises(ValueError, match="if r is in nm or pm, say so by r_unit"):
        read_pdf(path)
    # far enough to be taken for Å
    r = np.arange(0.01, 150, 0.01)
    path = write(tmp_path, rows(r / 10, np.sin(9 * r)))
    with pytest.raises(
        ValueError, match=r"as if Qmax were above 90 Å⁻¹; if r is in nm"
    ):
        read_pdf(path)
    np.testing.assert_allclose(read_pdf(path, r_unit="nm").r, r, rtol=1e-6)
    assert read_pdf(path, r_unit="Å").r[-1] == pytest.approx(15, abs=0.01)


def test_what_is_cut_off_need_not_be_numbers(tmp_path):
    path = write(tmp_path, rows(R, np.where((R > 1) & (R < 1.2), np.nan, G)))
    with pytest.raises(ValueError, match="not a number after r = 1;"):
        read_pdf(path)
    assert read_pdf(path, rmin=1.5).r[0] == 1.5


def test_rows_without_a_number_at_the_ends_are_left_out(tmp_path):
    pdf = read_pdf(write(tmp_path, rows(R, np.where(R < 0.05, np.nan, G))))
    assert pdf.r[0] == 0.05
    assert pdf.notes == ("4 rows without a number were left out.",)


@pytest.mark.parametrize(
    "content",
    [b"0 0\n" * 10_000_000, gzip.compress(b"0 0\n" * 10_000_000)],
    ids=["text", "gzip"],
)
def test_files_of_ten_million_points_are_refused(content):
    with pytest.raises(ValueError, match="it is over 16 MiB"):
        read_pdf(io.BytesIO(content))


def test_tables_of_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(gr_file, "MAX_ROWS", 1000)
    with pytest.raises(ValueError, match="it has more than 1,000 rows"):
        read_pdf(io.StringIO(TWO))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"qmaxx": 20}, "there is no condition 'qmaxx'"),
        ({"qmax": 100}, "qmax must be below 40"),
        ({"quantity": "F(Q)"}, "quantity must be one of G"),
        ({"r_unit": "mm"}, "r_unit must be one of Å, nm, pm, got 'mm'"),
        ({"number_density": 0}, "number_density must be above 0"),
        ({"number_density": 84}, "and at most 0.5 atoms per Å³, got 84"),
        ({"composition": "Zr(HPO4"}, "as in SrTiO3 or"),
        ({"composition": "Qq2"}, "composition 'Qq2': unknown element"),
    ],
)
def test_bad_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        read_pdf(write(tmp_path, TWO), **options)


def test_a_composition_without_a_known_length_is_none_of_a_scale(tmp_path):
    path = write(tmp_path, "composition = PoO2\n" + TWO)
    pdf = read_pdf(path, quantity="Keen G(r)")
    assert pdf.composition == "PoO2"
    assert "but for its scale, which needs number_density;" in pdf.notes[1]
    with pytest.raises(ValueError, match="leave out number_density"):
        read_pdf(path, quantity="Keen G(r)", number_density=0.05)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.gr: there is no such file"):
        read_pdf(tmp_path / "nothing.gr")


def test_the_package_offers_it():
    assert gromega.read_pdf is read_pdf
    assert gromega.MeasuredPDF is MeasuredPDF


def made(r, g):
    return MeasuredPDF(r, g, {}, "columns")


def test_input_of_a_simulated_pdf_is_the_networks_own(nickel):
    omega = REFERENCE.at(qmax=30.0)
    spectra = pair_spectra([nickel], "xray", DMAX)
    fine = np.arange(3100) * 0.01
    everywhere = operator(omega.at(rmin=0.5, rmax=32.0), DMAX)
    coarse_g = apply_operator(everywhere, spectra, [nickel.density])[0]
    own = apply_operator(input_operator(omega, DMAX), spectra, [nickel.density])[0]
    x = to_input(made(everywhere.r, coarse_g.astype(float)))
    assert x.shape == (209,)
    assert x.dtype == np.float32
    # The network's own has the error of quadratic interpolation.
    assert np.abs(x - own).max() < 0.01 * np.ptp(own)
    finer = make_interp_spline(everywhere.r, coarse_g, k=5)(fine[100:])
    x = to_input(made(fine[100:], finer))
    assert np.abs(x - own).max() < 0.01 * np.ptp(own)


@pytest.mark.parametrize(
    ("step", "q", "error"),
    [
        # finer data: all that conditions allow is kept
        (0.01, 15.0, 1e-3),
        (0.01, 30.0, 2e-3),
        (0.02, 30.0, 2e-3),
        (0.01, 39.0, 0.05),
        # Nyquist grids: what a spline can
        (GRID_STEP, 20.0, 1e-2),
        (np.pi / 30, 15.0, 1e-2),
    ],
)
def test_waves_are_kept_by_regridding(step, q, error):
    r = step * np.arange(1, 40 / step)
    x = to_input(made(r, np.sin(q * r)))
    np.testing.assert_allclose(x, np.sin(q * INPUT_R), atol=error)


def test_noise_above_the_band_is_left_out(generator):
    r = 0.01 * np.arange(3500)
    x = to_input(made(r, generator.normal(size=r.size)))
    assert x.std() < 0.6
    assert np.abs(to_input(made(r, np.sin(200 * r)))).max() < 0.01


def test_input_is_zero_where_there_are_no_data():
    r = 0.01 * np.arange(500, 1501)
    x = to_input(made(r, 1 + r))
    inside = (INPUT_R >= 5) & (INPUT_R <= 15)
    np.testing.assert_allclose(x[inside], 1 + INPUT_R[inside], rtol=1e-6)
    assert (x[~inside] == 0).all()


def test_uneven_steps_are_regridded(generator):
    r = np.sort(generator.uniform(0, 30, 3000))
    x = to_input(made(r, np.sin(3 * r)))
    inside = (r[0] < INPUT_R) & (r[-1] > INPUT_R)
    np.testing.assert_allclose(x[inside], np.sin(3 * INPUT_R[inside]), atol=1e-3)


@pytest.mark.parametrize("fine", [0.005, 0.01])
@pytest.mark.parametrize("cut", [2, 10, 20])
def test_steps_that_become_coarser_are_regridded(generator, fine, cut):
    r = np.concatenate([np.arange(0, cut, fine), np.arange(cut, 30, 0.05)])
    x = to_input(made(r, np.sin(10 * r)))
    inside = r[-1] > INPUT_R
    np.testing.assert_allclose(x[inside], np.sin(10 * INPUT_R[inside]), atol=1e-3)
    noisy = np.sin(10 * r) + 0.02 * generator.standard_normal(r.size)
    # but for the very end, where a spline is least sure
    inside = r[-1] - 0.5 > INPUT_R
    assert np.abs(to_input(made(r, noisy)) - x)[inside].max() < 0.1


def test_a_gap_beyond_what_the_network_sees_does_no_harm(tmp_path):
    r = np.concatenate([R, 40 + R])
    pdf = read_pdf(write(tmp_path, rows(r, np.sin(9 * r))), rmax=50)
    assert pdf.r[-1] == 50


def test_inputs_of_many_are_those_of_each(generator):
    fine, other = 0.01 * np.arange(100, 2500), 0.02 * np.arange(50, 1600)
    on = [fine, other, fine, 0.1 * np.arange(1, 300), fine + 0.005, other]
    pdfs = [made(r, np.sin(generator.uniform(5, 20) * r)) for r in on]
    each = np.stack([to_input(pdf) for pdf in pdfs])
    np.testing.assert_allclose(to_inputs(pdfs), each, atol=1e-6)
    assert to_inputs(pdfs).dtype == np.float32


MANIFEST = SHARED / "data" / "measured" / "manifest.csv"
if MANIFEST.is_file():
    with MANIFEST.open(newline="", encoding="utf-8") as _file:
        MEASURED = list(csv.DictReader(_file))
else:
    MEASURED = [{"file": "none"}]
# Their headers state a qmax of 100 Å⁻¹, which is not that of the transform.
WRONG_QMAX = {f"{name}_300K_xinterpdf.gr" for name in ("MEF", "MAN", "IMC", "GSF")}


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row["file"])
def test_measured_files_are_read_as_the_manifest_says(shared, row):
    pdf = read_pdf(shared / "data" / "measured" / row["file"])
    assert pdf.r[0] == pytest.approx(float(row["rmin"]), abs=0.005)
    assert pdf.r[-1] == pytest.approx(float(row["rmax"]), abs=0.005)
    assert np.median(np.diff(pdf.r)) == pytest.approx(float(row["rstep"]), abs=1e-4)
    for name in ("qmin", "qmax"):
        if row[name] and not (name == "qmax" and row["file"] in WRONG_QMAX):
            assert pdf.stated[name] == pytest.approx(float(row[name]))
    # The manifest knows these from elsewhere where the header is silent.
    for name in ("qdamp", "qbroad"):
        if name in pdf.stated:
            assert pdf.stated[name] == pytest.approx(float(row[name]))
    radiation = pdf.stated.get("radiation")
    assert radiation in (row["radiation"].replace("-", ""), None)
    if row["file"] in WRONG_QMAX:
        assert "qmax" not in pdf.stated
    x = to_input(pdf)
    assert np.isfinite(x).all()
    assert np.ptp(x) > 0
    assert pdf.conditions().rmax <= REFERENCE.rmax
