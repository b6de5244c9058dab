from dataclasses import replace
from io import StringIO

import numpy as np
import pytest

from gromega import read_pdf, simulate
from gromega.conditions import Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.formula import display_formula


def measured(crystal, omega, scale=1.0):
    """Return the PDF of a crystal as it is read from a file."""
    r, g = simulate([crystal], omega)
    rows = "\n".join(f"{x:.5f} {scale * y:.6f}" for x, y in zip(r, g[0], strict=True))
    known = ("qmin", "qmax", "qdamp", "qbroad", "radiation")
    stated = {name: getattr(omega, name) for name in known}
    return read_pdf(StringIO(rows), **stated)


def stretched(crystal, strain):
    lattice = (1 + strain) * np.array(crystal.lattice)
    return Crystal(
        crystal.id, lattice, crystal.numbers, crystal.frac, crystal.occupancy
    )


@pytest.mark.parametrize("place", [3, 9, 14])
@pytest.mark.parametrize(
    "omega",
    [
        Conditions(qmax=24.0, uiso=0.0065, qdamp=0.05),
        Conditions(qmax=14.0, uiso=0.013, rmax=18.0, radiation="neutron"),
    ],
)
def test_a_crystal_is_found_with_its_strain_and_its_uiso(
    library, classics, place, omega
):
    pdf = measured(stretched(classics[place], 0.012), omega, scale=0.3)
    found = library.match(pdf, count=3)
    best = found.best[0]
    assert best.id == classics[place].id
    assert best.formula == display_formula(classics[place].formula)
    assert best.number == place + 1
    assert best.strain == pytest.approx(0.012, abs=0.0016)
    assert best.uiso == pytest.approx(omega.uiso, rel=0.1)
    # what a byte rounds off
    assert best.rw < 0.12
    assert [match.rw for match in found.best] == sorted(m.rw for m in found.best)
    rest = np.linalg.norm(found.g - best.g) / np.linalg.norm(found.g)
    assert best.rw == pytest.approx(rest, abs=1e-4)
    assert found.n == len(classics) - (omega.radiation == "neutron")
    assert found.r[-1] <= omega.rmax


def test_a_crystal_with_other_distances_matches_badly(library, classics):
    without = replace_spectra(library, slice(1, None))
    pdf = measured(classics[0], Conditions())
    assert library.match(pdf).best[0].rw < 0.1 < 0.3 < without.match(pdf).best[0].rw


def replace_spectra(library, rows):
    """Return a library of some of the crystals."""
    return replace(
        library,
        ids=library.ids[rows],
        formulas=library.formulas[rows],
        space_groups=library.space_groups[rows],
        density=library.density[rows],
        spectra={
            name: replace(held, roots=held.roots[rows], largest=held.largest[rows])
            for name, held in library.spectra.items()
        },
    )


def test_where_nothing_of_a_pdf_is_left_nothing_matches(library, classics):
    pdf = measured(classics[3], Conditions())
    lost = replace(pdf, stated={**pdf.stated, "qdamp": 30.0})
    assert {match.rw for match in library.match(lost).best} == {1.0}


def test_a_pdf_that_it_cannot_be_laid_over_is_refused(library, classics):
    only = replace(library, spectra={"xray": library.spectra["xray"]})
    pdf = measured(classics[1], Conditions(radiation="neutron"))
    with pytest.raises(ValueError, match="no spectra for neutron"):
        only.match(pdf)
    r = np.arange(24.0, 30.0, 0.02)
    rows = "\n".join(f"{x:.3f} {np.sin(9 * x):.5f}" for x in r)
    with pytest.raises(ValueError, match=r"18\.9 Å"):
        library.match(read_pdf(StringIO(rows)))
