"""POSCAR files of VASP."""

import re
from itertools import takewhile

import numpy as np

from gromega.crystals.crystal import Crystal, crystal_of_nuclides
from gromega.crystals.io import species
from gromega.crystals.io.sites import MAX_ATOMS, check_cell, merge_sites
from gromega.crystals.refusal import Reason, RefusedError

_FORTRAN = re.compile(r"(?<=[\d.])[dD](?=[+-]?\d)")


def read_poscar(content: bytes, max_atoms: int = MAX_ATOMS) -> Crystal:
    """Read a POSCAR or CONTCAR of VASP 5. The id of the crystal is the comment line.

    Raise RefusedError if the content is not a POSCAR file, or not a possible crystal.
    """
    lines = content.decode("utf-8", "replace").splitlines()
    if len(lines) < 8:
        raise RefusedError(Reason.UNREADABLE, "a POSCAR file has 8 lines or more")
    scale = _numbers(lines[1])
    if len(scale) not in (1, 3):
        raise _unreadable(1, lines, "one or three scale factors")
    lattice = np.array([_three(lines, k, "a lattice vector") for k in (2, 3, 4)])
    symbols = list(takewhile(_is_name, lines[5].split()))
    if not symbols:
        raise RefusedError(
            Reason.UNKNOWN_ELEMENT, "the line of elements is missing (VASP 4)"
        )
    nuclides = [_nuclide(symbol) for symbol in symbols]
    amounts = [int(x) for x in _numbers(lines[6]) if x >= 0 and x.is_integer()]
    if len(amounts) != len(symbols) or len(_numbers(lines[6])) != len(symbols):
        raise _unreadable(6, lines, "a number of atoms for each element")
    total = sum(amounts)
    if not total:
        raise RefusedError(Reason.NO_ATOMS, "the numbers of atoms are 0")
    if total > max_atoms:
        raise RefusedError(Reason.TOO_MANY_ATOMS, f"{total}, the limit is {max_atoms}")
    line = 8 if lines[7].strip()[:1] in ("s", "S") else 7
    mode = lines[line].strip()[:1].lower() if line < len(lines) else ""
    if mode not in ("d", "f", "c", "k"):
        raise _unreadable(line, lines, "Direct or Cartesian")
    rows = range(line + 1, line + 1 + total)
    coordinates = np.array([_three(lines, k, "three coordinates") for k in rows])
    # Velocities follow an empty line.
    if rows.stop < len(lines) and len(_numbers(lines[rows.stop])) >= 3:
        raise _unreadable(rows.stop, lines, f"an empty line behind {total} atoms")
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


def _nuclide(symbol: str) -> int:
    """Return the nuclide of Fe_pv, Fe/a1b2, H.5, or B_11; refuse other names."""
    name = re.split(r"_(?!\d)|[/.:]|-(?!\d)", symbol)[0]
    if len(re.findall("[A-Za-z]", name)) > 2:
        raise RefusedError(Reason.UNKNOWN_ELEMENT, f"{symbol!r}")
    return species.nuclide_of(name)


def _three(lines: list[str], k: int, what: str) -> list[float]:
    numbers = _numbers(lines[k])[:3] if k < len(lines) else []
    if len(numbers) < 3:
        raise _unreadable(k, lines, what)
    return numbers


def _unreadable(k: int, lines: list[str], what: str) -> RefusedError:
    found = repr(lines[k].strip()) if k < len(lines) else "the end of the file"
    return RefusedError(
        Reason.UNREADABLE, f"line {k + 1} of a POSCAR file is {what}, got {found}"
    )


def _numbers(line: str) -> list[float]:
    """Return the numbers at the beginning of a line. A comment may follow."""
    found = []
    for word in line.split():
        try:
            # Fortran writes 0.564D+01.
            found.append(float(_FORTRAN.sub("e", word)))
        except ValueError:
            break
    return found
