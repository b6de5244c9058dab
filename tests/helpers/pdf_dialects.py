"""Known curves in random dialects: an oracle for the reader of measured PDFs."""

import math
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from scipy.fft import dst

from gromega.conditions import GRID_STEP, Conditions
from gromega.measured.pdf import MeasuredPDF
from gromega.measured.quantities import mean_length
from gromega.pdf.simulate import simulate

FINE = 0.005  # Å
SIZES = {"Å": 1.0, "nm": 10.0, "pm": 0.01, "bohr": 0.529177210544}
UNITS = {
    "Å": (
        "r", "r (Å)", "r(A)", r"r($\AA$)", "r[A]", "r / Å", "r (Angstrom)", "R(Å)",
        "Distance (Å)", "r_angstrom", "radius (ang)", "r_A",
    ),
    "nm": ("r (nm)", "r/nm", "r_nm", "r [nm]", "Distance (nm)", "r in nm"),
    "pm": ("r (pm)", "r_pm", "r[pm]"),
    "bohr": ("r (bohr)", "r [a0]", "r (a.u.)", "r_bohr", "r/a_0"),
    # which no reader may take for one of the above
    "mm": ("r (mm)", "r [fm]", "r (px)", "r (arb. units)"),
}  # fmt: skip
LABELS = {
    "G(r)": ("G(r)", "G", "PDF", "G (r)", "Gr", "GofR", r"$G(r)$", "G_PDF"),
    "D(r)": ("D(r)", "d(r)", "D"),
    "Keen G(r)": ("G_k(r)", "GK", "GKofR", "G^K(r)", "G_Keen(r)", "G(r) (barn)"),
    "g(r)-1": ("g(r)-1", "g(r) - 1", "h(r)", "h", "g-1"),
    "g(r)": ("g(r)", "gofr", "g_r", "g", "RDF", "pair correlation function"),
    "T(r)": ("T(r)", "T"),
    "R(r)": ("R(r)", "RDF", "RDF(r)"),
    "?": ("rho(r)", "n(r)", "g_NaCl(r)", "c_rdf[2]", "W(r)", "xi"),
}
FORMS = ("{}", "{}_obs", "{} exp", "{} (Expt)", "measured {}", "{} data")
CALCULATED = ("{}_calc", "{} fit", "{} (RMC)", "{}_model", "{} sim")
SENTENCES = (
    "nickel powder", "Measured at 300 K, background subtracted", "sample 3 of 12",
    "T = 293 K, no correction", "see Smith et al., 2020", "R-factor 0.12",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A file, and what is right for it."""

    content: str
    name: str
    options: dict
    r: np.ndarray
    g: np.ndarray
    stated: dict
    tolerance: float  # relative to the largest |G|
    is_labelled: bool  # whether label or program say which function it is


@dataclass(frozen=True)
class Curve:
    """A curve of the engine on a fine grid, by its sine transform."""

    values: np.ndarray  # at k · 0.005 Å
    density: float
    omega: Conditions


def random_curves(crystals, n, seed):
    """Return n curves of random crystals at random conditions."""
    rng = Random(seed)
    curves = []
    for _ in range(n):
        crystal = rng.choice(crystals)
        omega = Conditions(
            rmin=GRID_STEP, rmax=400 * GRID_STEP, qmin=rng.uniform(0, 1.5),
            qmax=rng.uniform(14, 36), qdamp=rng.choice((0, 0.02, 0.06)),
            uiso=rng.uniform(0.003, 0.02),
            diameter=rng.choice((math.inf, math.inf, 15.0, 40.0)),
        )  # fmt: skip
        _, (g,) = simulate([crystal], omega)
        spectrum = dst(np.asarray(g, float), type=1) / (g.size + 1)
        q = math.pi * np.arange(1, g.size + 1) / ((g.size + 1) * GRID_STEP)
        values = np.sin(np.outer(FINE * np.arange(5000), q)) @ spectrum
        curves.append(Curve(values, crystal.density, omega))
    return curves


def of_function(name, r, g, density):
    """Return a function of r from G(r)."""
    slope = 4 * math.pi * density * r
    return {
        "G(r)": g,
        "D(r)": g,
        "Keen G(r)": g / slope * mean_length("NiO") ** 2,
        "g(r)-1": g / slope,
        "g(r)": 1 + g / slope,
        "T(r)": g + slope,
        "R(r)": r * (g + slope),
        "?": g**2,
    }[name]


def _header(rng, omega):
    """Return lines that state conditions, and the conditions."""
    qmin, qmax = round(omega.qmin, 2), round(omega.qmax, rng.choice((0, 1, 3)))
    stated = {"qmin": qmin, "qmax": qmax}
    comma = f"{qmax:g}".replace(".", ",")
    lines, kept = rng.choice(
        (
            ([], ()),
            ([f"qmax = {qmax:g}"], ("qmax",)),
            ([f"Qmax: {comma}"], ("qmax",)),
            ([f"Qmax {qmax:g}, Qmin {qmin:g}"], ("qmin", "qmax")),
            ([f'"qmin": {qmin:g},', f'"qmax": {qmax:g},'], ("qmin", "qmax")),
            ([f"Qmin, Qmax = {qmin:g}, {qmax:g}"], ("qmin", "qmax")),
            ([f"Qmax/Qmin: {qmax:g}/{qmin:g}"], ("qmin", "qmax")),
            ([f"Q range: {qmin:g} - {qmax:g} A^-1"], ("qmin", "qmax")),
            ([f"{qmin:g} < Q < {qmax:g}"], ("qmin", "qmax")),
            ([f"qmax = {10 * qmax:g} nm^-1"], ("qmax",)),
            ([f"qmaxinst = {qmax + 3:g}", f"qmax = {qmax:g}"], ("qmax",)),
        )
    )
    stated = {name: stated[name] for name in kept}
    word = rng.choice((None, None, "xray", "neutron"))
    if word:
        key = rng.choice(("mode = {}", "radiation: {}", "stype={}", "{} PDF"))
        lines = [*lines, key.format("X-ray" if word == "xray" else word)]
        stated["radiation"] = word
    return lines, stated


def random_case(rng: Random, curve: Curve) -> Case:
    """Return a curve in a random dialect."""
    every = rng.choice((2, 2, 2, 4, 1, 10))
    start = rng.choice((0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.5))
    k = np.arange(max(every, int(start / FINE)), int(rng.uniform(8, 20) / FINE), every)
    r, g = FINE * k, curve.values[k]
    function = rng.choice([*LABELS, "G(r)", "G(r)", "G(r)", "G(r)"])
    options = {}
    if function in ("T(r)", "R(r)"):
        options["number_density"] = curve.density
    elif rng.random() < 0.5:
        options = {"number_density": curve.density, "composition": "NiO"}
    layout = rng.choice(("plain", "plain", "error", "fit", "index", "index fit"))
    is_labelled = rng.random() < 0.8 or "fit" in layout
    if not is_labelled:
        function = rng.choice(("G(r)", "G(r)", "Keen G(r)", "g(r)-1", "?"))
    unit = rng.choice(("Å",) * 8 + ("nm", "pm", "bohr", "mm"))
    unit = unit if is_labelled else "Å"
    size = SIZES.get(unit, 1e7)
    power = {"G(r)": 2, "D(r)": 2, "T(r)": 2, "R(r)": 1, "?": 2}.get(function, 0)
    y = of_function(function, r, g, curve.density) * size**power
    label = rng.choice(LABELS[function])
    x_label = rng.choice(UNITS[unit])
    columns, labels = [r / size, y], [x_label, label]
    noise = np.asarray([rng.gauss(0, 1) for _ in range(50)])
    calculated = y * 0.9 + np.ptp(y) * 0.1 * np.interp(
        r, np.linspace(r[0], r[-1], 50), noise
    )
    if "fit" in layout and function != "?":
        labels = [x_label, rng.choice(FORMS).format(label)]
        rest = [(calculated, rng.choice(CALCULATED).format(label))]
        if rng.random() < 0.5:
            rest.append((y - calculated, rng.choice(("diff", "residual", "Gdiff"))))
        if rng.random() < 0.3:
            rest.append((0 * r + 1, rng.choice(("dy", "weights", "sigma"))))
        rest.append((y, labels[1]))
        rng.shuffle(rest)
        columns = [r / size, *(each for each, _ in rest)]
        labels = [x_label, *(name for _, name in rest)]
    elif layout == "error":
        columns += [0 * r, 0 * r + 0.1]
        labels += rng.choice((["dr", "dG(r)"], ["d_r", "d_Gr"], ["e", "weight"]))
    if "index" in layout:
        columns.insert(0, np.arange(r.size) + rng.choice((0, 1)))
        labels.insert(0, rng.choice(("", "index", "Row", "i")))
    digits = rng.choice((6, 6, 8, 5))
    mark = rng.choice((" ", " ", "\t", ",", ", ", ";", "   "))
    has_commas = rng.random() < 0.15 and mark not in (",", ", ")
    minus = rng.choice(("-", "-", "-", "\u2212", "\u2013"))
    rows = []
    for values in zip(*columns, strict=True):
        fields = [f"{value:.{digits}g}" for value in values]
        if has_commas:
            fields = [field.replace(".", ",") for field in fields]
        text = mark.join(fields)
        if minus != "-" and "e" not in text:
            text = text.replace("-", minus)
        rows.append(text)
    comment = rng.choice(("# ", "#", "", "! ", "% "))
    lines, stated = _header(rng, curve.omega)
    lines += [rng.choice(SENTENCES)] * (rng.random() < 0.3)
    if is_labelled:
        apart = mark if mark not in (" ",) or " " not in "".join(labels) else "\t"
        prefix = "L " if comment == "#" and rng.random() < 0.3 else ""
        lines.append(prefix + apart.join(labels))
    else:
        lines += [rng.choice(SENTENCES)] * (rng.random() < 0.5)
    head = "".join(f"{comment}{line}\n" for line in lines)
    name = rng.choice(("sample.txt", "sample.gr", "sample.dat", "a.csv"))
    return Case(
        head + "\n".join(rows) + "\n", name, options, r, g, stated,
        10.0 ** (1 - digits) * 20, is_labelled,
    )  # fmt: skip


def verdict(case: Case, pdf: MeasuredPDF) -> str:
    """Return "right", "noted" or what is wrong of a PDF that was read."""
    if pdf.r.size != case.r.size or not np.allclose(pdf.r, case.r, rtol=1e-4):
        return f"r is {pdf.r[0]:g} to {pdf.r[-1]:g}"
    for name, value in case.stated.items():
        if pdf.stated.get(name, value) != pytest.approx(value):
            return f"{name} is {pdf.stated[name]}, not {value}"
    for name in ("qmin", "qmax", "qdamp", "qbroad"):
        if name in pdf.stated and name not in case.stated:
            return f"{name} is {pdf.stated[name]}, and is not stated"
    is_scaled = any("arbitrary scale" in note for note in pdf.notes)
    scale = (pdf.g @ case.g) / (pdf.g @ pdf.g) if is_scaled else 1.0
    error = np.abs(scale * pdf.g - case.g).max() / np.abs(case.g).max()
    if error <= case.tolerance:
        return "right"
    if any("do not show" in note for note in pdf.notes):
        return "noted"
    return f"G(r) is wrong by {error:.2g}"
