"""Structure types: keys of crystals with the same arrangement of any elements."""

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import cache
from math import gcd

from gromega.crystals.space_groups import class_of
from gromega.crystals.wyckoff import load_group, wyckoff

_ORBITS = re.compile(r"(\d*)([A-Za-z])")


def structure_type(
    space_group: int, kinds: Sequence[Hashable], orbits: Sequence[int], wyckoffs: str
) -> str:
    """Return the structure type, such as ``AB_225_a_b`` of rock salt.

    It consists of the anonymised formula, the class of the space group (crystals that
    are mirror images have one type), and for each kind of atom
    the Wyckoff letters of its orbits, ``3l`` for three orbits on l. AFLOW and aviary
    call it a prototype label and add the Pearson symbol. Kinds are sorted by their
    numbers of atoms. The letters depend on the choice of origin and axes. Of all
    choices, which the affine normalizer gives, the alphabetically first one is used.

    The kind (such as the element), orbit and Wyckoff letter are those of each atom.
    """
    atoms = Counter(kinds)
    first = {orbit: k for k, orbit in reversed(list(enumerate(orbits)))}
    letters: dict[Hashable, list[str]] = {kind: [] for kind in atoms}
    for k in first.values():
        letters[kinds[k]].append(wyckoffs[k])
    divisor = gcd(*atoms.values())
    species = sorted(
        (count // divisor, "".join(sorted(letters[kind])))
        for kind, count in atoms.items()
    )
    return _canonical(space_group, tuple(species))


@cache
def atoms_of_type(structure_type: str) -> int:
    """Return the number of atoms in the primitive cell of a structure type."""
    _, number, *parts = structure_type.split("_")
    group = load_group(int(number))
    multiplicity = dict(zip(group.letters, group.multiplicities.tolist(), strict=True))
    return sum(
        int(count or 1) * int(multiplicity[letter])
        for count, letter in _ORBITS.findall("_".join(parts))
    )


@cache
def _canonical(space_group: int, species: tuple[tuple[int, str], ...]) -> str:
    choices = []
    alphabet, images = _exchanges(space_group)
    for image in images:
        exchange = str.maketrans(alphabet, image)
        choices.append(
            sorted((n, "".join(sorted(x.translate(exchange)))) for n, x in species)
        )
    best = min(choices)
    formula = anonymous_formula([n for n, _ in best])
    parts = []
    for _, letters in best:
        counts = Counter(letters)
        parts.append("".join(f"{n if n > 1 else ''}{x}" for x, n in counts.items()))
    return "_".join([formula, str(class_of(space_group)), *parts])


def anonymous_formula(counts: Sequence[int]) -> str:
    """Return the formula of kinds without names, such as ``AB2``, of their counts."""
    smallest = gcd(*counts)
    return "".join(
        _name(k) + (str(n // smallest) if n > smallest else "")
        for k, n in enumerate(sorted(counts))
    )


@cache
def _exchanges(space_group: int) -> tuple[str, list[str]]:
    """Return the Wyckoff letters of a group, then all their permutations."""
    positions, exchanges = wyckoff(space_group)
    alphabet = "".join(positions)
    return alphabet, closure(alphabet, exchanges)


def _name(k: int) -> str:
    """Return A to Z, then Aa, Ba and so on."""
    return chr(ord("A") + k % 26) + "abcdefghij"[: k // 26][-1:]


def closure(alphabet: str, generators: Sequence[str]) -> list[str]:
    """Return the group that permutations, as images of the letters, generate."""
    tables = [str.maketrans(alphabet, image) for image in generators]
    found, new = {alphabet}, {alphabet}
    while new:
        new = {p.translate(table) for p in new for table in tables} - found
        found |= new
    return sorted(found)
