import csv
import io
import os
import subprocess
import sys
import threading
from dataclasses import fields

import numpy as np
import pytest
from conftest import SHARED
from gr_files import FOUR, PDFGETX2, PDFGETX3, TWO, XPDFSUITE, G, R, rows, write

import gromega
from gromega.conditions import REFERENCE, Conditions
from gromega.measured.pdf import MeasuredPDF, read_pdf
from gromega.measured.resample import to_input


def test_conditions_that_neither_file_nor_caller_state_are_assumed(tmp_path):
    pdf = read_pdf(write(tmp_path, "qmax = 24\n" + TWO), qdamp=0.03, radiation="xray")
    assert pdf.conditions() == REFERENCE.at(qmax=24, qdamp=0.03, rmax=20)
    known = {"rmin", "rmax", "qmax", "qdamp", "radiation"}
    assert set(pdf.assumed) == {f.name for f in fields(Conditions)} - known


@pytest.mark.parametrize(
    ("head", "given", "named"),
    [
        ("qmax = 25\n", {"qmin": 30}, "qmin 30 and qmax 25"),
        ("", {"qmin": 30}, "qmin 30 and qmax 23.*reference"),
        ("qmin = 2\n", {"qmax": 1.5}, r"qmin 2 and qmax 1\.5"),
        ("", {"rmin": 16.8}, r"16\.8 to 20 Å"),
        ("", {"rmin": 40}, r"0\.01 to 20 Å"),
    ],
)
def test_given_limits_are_checked_against_those_of_the_file(
    tmp_path, head, given, named
):
    with pytest.raises(ValueError, match=named):
        read_pdf(write(tmp_path, head + TWO), **given)


def test_conditions_are_the_files_and_else_the_reference(tmp_path):
    pdf = read_pdf(write(tmp_path, XPDFSUITE + TWO))
    assert pdf.stated["rmin"] == 0.01
    # r starts below the range of the network
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


@pytest.mark.parametrize(
    ("stated", "name", "kept", "used"),
    [
        ("qmax=40", "qmax", 40.0, 39.99),
        ("qmax=50", "qmax", 50.0, 39.99),
        ("qmax=26 qdamp=-0.001", "qdamp", -0.001, 0.0),
    ],
)
def test_a_stated_value_is_kept_and_the_nearest_is_computed(
    tmp_path, stated, name, kept, used
):
    pdf = read_pdf(write(tmp_path, PDFGETX2.replace("qmax=26", stated) + FOUR))
    assert pdf.stated[name] == kept
    assert name not in pdf.assumed
    assert getattr(pdf.conditions(), name) == pytest.approx(used)
    assert f"{kept:g}" in pdf.notes[0]
    assert f"{used:g}" in pdf.notes[0]


def test_a_qmax_that_no_instrument_reaches_is_not_used(tmp_path):
    path = write(tmp_path, PDFGETX2.replace("qmax=26", "qmax=100") + FOUR)
    pdf = read_pdf(path)
    assert pdf.conditions().qmax == REFERENCE.qmax
    assert "100" in pdf.notes[0]
    assert read_pdf(path, qmax=24.0).conditions().qmax == 24.0


def test_a_qmax_below_the_reference_qmin_is_not_used(tmp_path):
    path = write(tmp_path, PDFGETX2.replace("qmax=26", "qmax=0.4") + FOUR)
    pdf = read_pdf(path)
    assert pdf.conditions().qmax == REFERENCE.qmax
    assert "0.4" in pdf.notes[0]


def test_a_diameter_of_none_is_that_of_a_bulk_crystal(tmp_path):
    pdf = read_pdf(write(tmp_path, TWO), diameter=None)
    assert pdf.conditions().diameter == np.inf


def test_steps_too_coarse_for_qmax_are_noted(tmp_path):
    r = np.arange(1.5, 30, 0.2)
    coarse = write(tmp_path, rows(r, np.sin(9 * r)))
    *_, note = read_pdf(coarse, qmax=20.0, quantity="G(r)").notes
    assert all(value in note for value in ("0.2 Å", "15.7 Å⁻¹", "20 Å⁻¹"))
    assert read_pdf(coarse, qmax=15.0, quantity="G(r)").notes == ()


def test_q_without_a_unit_beside_r_in_nm_is_not_used(tmp_path):
    table = rows(R / 10, 100 * G)
    header = "qmax = 230\nqmin = 5\nqdamp = 0.4\nqbroad = 0.1 nm^-1\n# r (nm) G(r)\n"
    pdf = read_pdf(write(tmp_path, header + table), qmin=0.4)
    assert "qmax" not in pdf.stated
    assert "qdamp" not in pdf.stated
    assert pdf.stated["qmin"] == 0.4
    assert pdf.stated["qbroad"] == pytest.approx(0.01)
    converted, *notes = pdf.notes
    assert "nm" in converted
    for note, name, value in zip(notes, ("qmax", "qdamp"), ("230", "0.4"), strict=True):
        assert name in note
        assert value in note


def test_the_file_is_named_where_its_header_is_converted(tmp_path):
    table = rows(R / 10, 0 * R)
    path = write(tmp_path, "qmax = 25\n# r (nm) G(r)\n" + table)
    with pytest.raises(ValueError, match=r"sample\.gr.* 0 everywhere"):
        read_pdf(path)


def test_open_files_are_read_and_named(tmp_path):
    with write(tmp_path, PDFGETX3 + TWO).open("rb") as file:
        assert read_pdf(file).dialect == "PDFgetX3"
    assert read_pdf(io.StringIO(TWO)).dialect == "columns"
    with pytest.raises(ValueError, match="the file"):
        read_pdf(io.BytesIO(b""))


def test_a_pipe_is_read_and_a_folder_is_an_error(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(TWO))
    writer.start()
    np.testing.assert_allclose(read_pdf(pipe).r, R)
    writer.join()
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        read_pdf(tmp_path)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        # not G(r), by the header: which F(Q), no S(Q), an intensity
        ("#L Q(1/A)  F(Q)\n" + TWO, r"'Keen F\(Q\)'"),
        ("outputtype = sq\n" + TWO, r"S\(Q\)"),
        ("#L Q(1/A)  I(Q)\n" + TWO, r"I\(Q\).*PDFgetX3"),
        ("two_theta intensity\n" + TWO, r"intensity\(two_theta\)"),
        ("s(A^-1) F(s)\n" + TWO, r"F\(s\)"),
        ("2000\nrmc F(Q) # nickel\n" + TWO, r"F\(Q\)"),
        ("#L r T(r)\n" + TWO, r"T\(r\).*number_density"),
        # not G(r), by its shape: I(Q), g(r) or S(Q), R(r)
        (rows(R, np.exp(-R)), "about 0"),
        (rows(R, np.clip(1 + G, 0, 9) - 0.01), r"0\.988"),
        (rows(R, R**2 * (1 + G) - 0.01), "about 0"),
        # two files in one: r starts again
        (TWO + "#S 2\n" + TWO, r"20 and then 0\.01"),
    ],
)
def test_files_without_a_g_of_r_are_an_error_in_one_line(tmp_path, content, named):
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=named) as caught:
        read_pdf(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.gr"):
        read_pdf(tmp_path / "nothing.gr")


def test_reading_imports_only_the_core():
    code = "import sys, gromega.measured.resample; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert not {"jax", "numba", "pyarrow"} & set(done.stdout.split())


def test_the_package_offers_it():
    assert gromega.read_pdf is read_pdf
    assert gromega.MeasuredPDF is MeasuredPDF


def test_a_gap_beyond_the_range_of_the_network_is_allowed(tmp_path):
    r = np.concatenate([R, 40 + R])
    pdf = read_pdf(write(tmp_path, rows(r, np.sin(9 * r))), rmax=50)
    assert pdf.r[-1] == 50


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
