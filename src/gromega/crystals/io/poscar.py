"""POSCAR files of VASP."""

import re
from itertools import takewhile

import numpy as np

from gromega.crystals.crystal import Crystal, crystal_of_nuclides
from gromega.crystals.io import species
from gromega.crystals.io.sites import MAX_ATOMS, check_cell, merge_sites
from gromega.crystals.refusal import Reason, RefusedError


def read_poscar(content: bytes, max_atoms: int = MAX_ATOMS) -> Crystal:
    """Read a POSCAR or CONTCAR of VASP 5. The id of the crystal is the comment line.

    Raise RefusedError if the content is not a POSCAR file, or not a possible crystal.
    """
    lines = content.decode("utf-8", "replace").splitlines()
    try:
        scale = _numbers(lines[1])
        lattice = np.array([_numbers(lines[k])[:3] for k in (2, 3, 4)])
        symbols = list(takewhile(_is_name, lines[5].split()))
        if not symbols:
            raise RefusedError(
                Reason.UNKNOWN_ELEMENT, "the line of elements is missing (VASP 4)"
            )
        amounts = [int(number) for number in _numbers(lines[6])]
        line = 8 if lines[7].strip()[:1] in ("s", "S") else 7
        mode = lines[line].strip()[:1].lower()
        if sum(amounts) > max_atoms:
            raise RefusedError(
                Reason.TOO_MANY_ATOMS, f"{sum(amounts)}, the limit is {max_atoms}"
            )
        rows = lines[line + 1 : line + 1 + sum(amounts)]
        coordinates = np.array([[float(w) for w in row.split()[:3]] for row in rows])
        matches = len(symbols) == len(amounts) and len(coordinates) == sum(amounts)
        if not matches or len(scale) not in (1, 3):
            raise ValueError("the numbers of atoms do not match")
    except RefusedError:
        raise
    except (ValueError, IndexError) as error:
        raise RefusedError(Reason.UNREADABLE, f"not a POSCAR file ({error})") from None
    # The name of a pseudopotential may follow the element: Fe_pv, Fe/a1b2, H.5. One
    # element or isotope is full.
    nuclides = [species.nuclide_of(re.split("[_/.]", symbol)[0]) for symbol in symbols]
    if not sum(amounts):
        raise RefusedError(Reason.NO_ATOMS, "the numbers of atoms are 0")
    if not np.isfinite(coordinates).all():
        raise RefusedError(Reason.NO_COORDINATES, "a coordinate is not a number")
    # One number is a scale factor, or minus the volume; three scale x, y and z.
    if len(scale) == 1 and scale[0] < 0:
        scale = [np.cbrt(-scale[0] / abs(np.linalg.det(lattice) or 1.0))]
    if mode in ("c", "k"):
        coordinates = coordinates @ np.linalg.pinv(lattice)
    lattice = lattice * (scale if len(scale) == 3 else scale[0])
    check_cell(lattice)
    numbers = np.repeat(nuclides, amounts)
    atoms = merge_sites(numbers, coordinates % 1.0, np.ones(len(numbers)), lattice)
    return crystal_of_nuclides(lines[0].strip(), lattice, *atoms)


def _is_name(word: str) -> bool:
    """Return whether a word is an element, or an isotope such as 7Li, and no number."""
    return bool(re.match(r"[\d^(]*[A-Za-z]", word))


def _numbers(line: str) -> list[float]:
    """Return the numbers at the beginning of a line. A comment may follow."""
    found = []
    for word in line.split():
        try:
            found.append(float(word))
        except ValueError:
            break
    return found
