"""The engine srreal with a stand-in for diffpy, which few machines have."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import periodictable
import pytest

from gromega.conditions import GRID_STEP, REFERENCE, Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf.simulate import simulate

OLD_NAME = "setScatteringFactorTableByType"


class Lattice:
    def __init__(self, base):
        if np.linalg.det(base) <= 0:
            raise RuntimeError("base is not right-handed")
        self.base = base


class Structure(list):
    def __init__(self, lattice):
        self.lattice = lattice


def atom(symbol, xyz):
    return SimpleNamespace(element=symbol, xyz=xyz)


class PDFCalculator:
    """The native engine, on the grid of libdiffpy: r below rmax."""

    def __init__(self, rstep):
        self.rstep, self.radiation, self.spdiameter = rstep, "xray", np.inf

    def addEnvelope(self, name):  # noqa: N802
        assert name == "sphericalshape"

    def set_scattering_factor_table_by_type(self, kind):
        self.radiation = kind

    def __call__(self, structure):
        names = ("rmin", "rmax", "qmin", "qmax", "qdamp", "qbroad", "delta1", "delta2")
        omega = Conditions(
            **{name: getattr(self, name) for name in names},
            uiso=structure[0].Uisoequiv,
            diameter=self.spdiameter,
            radiation=self.radiation,
        )
        symbols = [a.element.replace("D", "2-H", a.element == "D") for a in structure]
        isotopes = [symbol.rpartition("-") for symbol in symbols]
        crystal = Crystal(
            "x",
            structure.lattice.base,
            [periodictable.elements.symbol(element).number for *_, element in isotopes],
            [a.xyz for a in structure],
            [a.occupancy for a in structure],
            [int(mass or 0) for mass, *_ in isotopes],
        )
        r, (g,) = simulate([crystal], omega)
        inside = r < self.rmax - 1e-9
        return r[inside], g[inside]


@pytest.fixture
def calculator(monkeypatch):
    """A stand-in for the calculator of diffpy.srreal, and modules that have it."""

    class Calculator(PDFCalculator):
        pass

    for name, content in {
        "diffpy": {},
        "diffpy.srreal": {},
        "diffpy.srreal.pdfcalculator": {"PDFCalculator": Calculator},
        "diffpy.structure": {"Atom": atom, "Lattice": Lattice, "Structure": Structure},
    }.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return Calculator


OMEGAS = [
    REFERENCE,
    Conditions(delta1=0.2, qmin=1.0, diameter=30.0, qmax=18.0, uiso=0.01),
    Conditions(radiation="neutron", qdamp=0.02, qbroad=0.03, rmin=2.0),
    # rmax on the grid
    Conditions(rmax=200 * GRID_STEP),
    Conditions(rmax=300 * GRID_STEP, rmin=30 * GRID_STEP),
]


@pytest.mark.usefixtures("calculator")
@pytest.mark.parametrize("omega", OMEGAS)
def test_all_conditions_and_atoms_are_handed_over(classics, omega):
    r, native = simulate(classics, omega)
    r_same, g = simulate(classics, omega, engine="srreal")
    np.testing.assert_array_equal(r_same, r)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, native, atol=2e-5 * np.ptp(native))


@pytest.mark.usefixtures("calculator")
@pytest.mark.parametrize(("name", "value"), [("r_offset", 0.02), ("r_scale", 1.003)])
def test_a_calibration_error_is_refused(nickel, name, value):
    with pytest.raises(ValueError, match=f"{name}, got {value:g}"):
        simulate([nickel], REFERENCE.at(**{name: value}), engine="srreal")


@pytest.mark.usefixtures("calculator")
def test_a_left_handed_lattice_is_turned():
    lattice = [[0, 4.0, 0], [4.2, 0, 0.5], [0, 0, 5.0]]
    crystal = Crystal("left", lattice, [11, 17], [[0.1, 0, 0], [0.5, 0.4, 0.3]])
    assert np.linalg.det(crystal.lattice) < 0
    _, native = simulate([crystal])
    _, g = simulate([crystal], engine="srreal")
    np.testing.assert_allclose(g, native, atol=2e-5 * np.ptp(native))


@pytest.mark.usefixtures("calculator")
@pytest.mark.parametrize("radiation", ["xray", "neutron"])
def test_isotopes_are_handed_over(radiation):
    crystal = Crystal(
        "LiD", 4.07 * np.eye(3), [3, 1], [[0, 0, 0], [0.5, 0.5, 0.5]], masses=[7, 2]
    )
    omega = Conditions(radiation=radiation)
    _, native = simulate([crystal], omega)
    _, g = simulate([crystal], omega, engine="srreal")
    np.testing.assert_allclose(g, native, atol=2e-5 * np.ptp(native))


@pytest.mark.usefixtures("calculator")
def test_no_crystals_give_no_curves():
    r, g = simulate([], engine="srreal")
    assert g.shape == (0, r.size)
    assert g.dtype == np.float32


def test_the_older_name_of_the_table_is_used_where_it_is_the_only_one(
    calculator, monkeypatch, nickel
):
    setter = PDFCalculator.set_scattering_factor_table_by_type
    monkeypatch.delattr(PDFCalculator, "set_scattering_factor_table_by_type")
    monkeypatch.setattr(calculator, OLD_NAME, setter, raising=False)
    omega = Conditions(radiation="neutron")
    np.testing.assert_allclose(
        simulate([nickel], omega, engine="srreal")[1],
        simulate([nickel], omega)[1],
        atol=1e-4,
    )
