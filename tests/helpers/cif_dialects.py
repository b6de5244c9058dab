"""Known crystals written in the dialects of many programs, to read them again.

`write` draws a crystal and a dialect from a seed. What is read must be the crystal, or
be refused.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

import gemmi
import numpy as np

from gromega.crystals.crystal import ISOTOPE, Crystal, nuclide_symbol

# Å. Atoms are at least this far apart.
APART = 1.0
ELEMENTS = "Li B C N O F Na Mg Al Si P S Cl K Ca Ti V Fe Co Ni Cu Zn Sr Nb Zr Sn Ho W U"
ISOTOPES = {"Li": 7, "B": 11, "Ni": 60, "H": 2}
SETTINGS = list({group.xhm(): group for group in gemmi.spacegroup_table()}.values())
SPECIAL = (0.0, 0.5, 0.25, 0.75, 1 / 3, 2 / 3, 0.125)


@dataclass
class Known:
    """A crystal and the text of its file; `wrong` if the file must be refused.

    The coordinates of the crystal have the digits of the file, but that its symmetry
    fixes special ones.
    """

    crystal: Crystal
    text: str
    wrong: bool = False
    dialect: list = field(default_factory=list)


def cell_of(number, hm, rng):
    """Return a cell that a setting allows."""
    a, b, c = (rng.uniform(5, 12) for _ in range(3))
    angles = [90.0, 90.0, 90.0]
    if number < 3:
        angles = [rng.uniform(75, 105) for _ in range(3)]
    elif number < 16:
        axes = [k for k, word in enumerate(hm.split()[1:]) if word != "1"]
        angles[axes[0] if len(axes) == 1 else 1] = rng.uniform(92, 110)
    elif 75 <= number < 143:
        b = a
    elif 143 <= number < 195:
        b = a
        if hm.startswith("R") and ":R" in hm:
            c, angles = a, [rng.uniform(55, 85)] * 3
        else:
            angles = [90.0, 90.0, 120.0]
    elif number >= 195:
        b = c = a
    return [round(x, 4) for x in (a, b, c)] + [round(x, 3) for x in angles]


def orbit_of(group, site):
    """Return the images of a site, (m, 3), each once."""
    images = np.array([op.apply_to_xyz(list(site)) for op in group.operations()]) % 1.0
    kept = []
    for image in images:
        steps = np.array([image - other for other in kept] or np.empty((0, 3)))
        steps -= np.round(steps)
        if not (np.abs(steps) < 1e-6).all(axis=1).any():
            kept.append(image)
    return np.array(kept)


def stated_orbit(group, site, orbit, stated):
    """Return the images of a site in the digits of a file, (m, 3), in their order.

    The digits move the site only as far as its site symmetry allows.
    """
    exact = [np.array(op.apply_to_xyz(list(site))) for op in group.operations()]
    found = [np.array(op.apply_to_xyz(list(stated))) for op in group.operations()]
    moves = np.array(found) - exact
    near = np.array(exact)[None] - orbit[:, None]
    same = np.abs(near - np.round(near)).max(axis=2) < 1e-6
    return orbit + same @ moves / same.sum(axis=1, keepdims=True)


def closest(frac, lattice):
    """Return the shortest distance between two of some atoms, images included."""
    steps = frac[:, None] - frac[None]
    steps -= np.round(steps)
    shifts = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    far = np.linalg.norm((steps[:, :, None] + shifts) @ lattice, axis=-1)
    far[far < 1e-9] = np.inf
    return far.min()


def draw_sites(group, rng, digits):
    """Return sites as (nuclides with shares, frac, occupancy)."""
    grid = 10 ** min(digits, 4)
    sites = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.random()
        free = [rng.randint(1, grid - 1) / grid for _ in range(3)]
        if kind < 0.6:
            site = [rng.choice(SPECIAL) for _ in range(3)]
        elif kind < 0.7:
            site = [free[0]] * 3
        elif kind < 0.8:
            site = [free[0], 0.0, rng.choice(SPECIAL)]
        else:
            site = free
        symbols = rng.sample([*ELEMENTS.split(), "H"], 2)
        shares = [(symbols[0], 1.0)]
        if rng.random() < 0.15:
            shares = [(symbols[0], 0.8), (symbols[1], 0.2)]
        named = []
        for symbol, share in shares:
            mass = ISOTOPES.get(symbol, 0) if rng.random() < 0.5 else 0
            named.append((gemmi.Element(symbol).atomic_number + ISOTOPE * mass, share))
        occupancy = rng.choice((1.0, 1.0, 1.0, 0.9, 0.3, 0.5))
        sites.append((named, np.array(site), occupancy))
    return sites


def draw(rng):
    """Return a setting, digits, a cell, sites and their orbits."""
    while True:
        group = rng.choice(SETTINGS)
        digits = rng.choice((2, 3, 4, 5, 6))
        cell = cell_of(group.number, group.xhm(), rng)
        lattice = np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T
        sites = draw_sites(group, rng, digits)
        orbits = [orbit_of(group, site) for _, site, _ in sites]
        frac = np.concatenate(orbits)
        if len(frac) > 150 or closest(frac, lattice) < APART:
            continue
        if len(np.unique(np.round(frac % 1.0 % 1.0, 6), axis=0)) < len(frac):
            continue
        return group, digits, cell, sites, orbits


def crystal_of(cell, sites, orbits):
    """Return the crystal that sites make."""
    lattice = np.array(gemmi.UnitCell(*cell).orth.mat.tolist()).T
    nuclides, atoms, occupancy = [], [], []
    for (shares, _, occ), orbit in zip(sites, orbits, strict=True):
        for nuclide, share in shares:
            nuclides += [nuclide] * len(orbit)
            atoms.append(orbit)
            occupancy += [occ * share] * len(orbit)
    masses, numbers = np.divmod(nuclides, ISOTOPE)
    return Crystal("x", lattice, numbers, np.concatenate(atoms), occupancy, masses)


def operation_text(op, rng):
    """Return an operation as one of several programs writes it."""
    text = op.triplet()
    way = rng.randrange(5)
    if way == 1:
        return text.upper().replace(",", ", ")
    if way == 2:
        parts = []
        for part in text.split(","):
            at = max(
                part.find("+1/"), part.find("+2/"), part.find("+3/"), part.find("+5/")
            )
            parts.append(
                part[at + 1 :] + ("" if part[0] == "-" else "+") + part[:at]
                if at > 0
                else part
            )
        return ",".join(parts)
    if way == 3:
        for a, b in (
            ("1/2", "0.5"),
            ("1/4", ".25"),
            ("3/4", "0.75"),
            ("1/3", "0.3333"),
        ):
            text = text.replace(a, b)
    return text


def coordinate(value, digits, rng):
    """Return a coordinate in some digits, rounded or sometimes cut."""
    if digits == 6:
        return f"{value:.6f}"
    if rng.random() < 0.2 and value > 0:
        cut = int(value * 10**digits + 1e-9) / 10**digits
        text = f"{cut:.{digits}f}"
    else:
        text = f"{value:.{digits}f}"
    if rng.random() < 0.3:
        text = text.rstrip("0")
        text = text + "0" if text.endswith(".") else text
    return text


def type_text(nuclide, rng):
    """Return a type symbol."""
    symbol = nuclide_symbol(nuclide)
    element = gemmi.Element(int(nuclide % ISOTOPE)).name
    mass = nuclide // ISOTOPE
    if symbol == "D":
        return rng.choice(("D", "2H", "D1+", "D+1"))
    if mass:
        return rng.choice(
            (symbol, f"({mass}){element}", f"{element}_{mass}", f"^{mass}^{element}")
        )
    return rng.choice((element, element, element + "2+", element.upper()))


def formula_of(crystal, rng):
    """Return the sum formula as the file states it."""
    sums = Counter()
    for nuclide, occupancy in zip(
        crystal.nuclides.tolist(), crystal.occupancy, strict=True
    ):
        symbol = nuclide_symbol(nuclide).lstrip("0123456789")
        sums[symbol] += float(occupancy)
    divisor = rng.choice((1, 2, 4))
    words = [f"{symbol}{round(n / divisor, 3):g}" for symbol, n in sorted(sums.items())]
    rng.shuffle(words)
    text = " ".join(words)
    return (text.upper() if rng.random() < 0.1 else text), divisor


def write(seed):
    """Return a known crystal and its file."""
    rng = random.Random(seed)
    group, digits, cell, sites, orbits = draw(rng)
    crystal = crystal_of(cell, sites, orbits)
    dialect = [group.xhm(), f"{digits} digits"]
    formula, units = formula_of(crystal, rng)
    labels_only = rng.random() < 0.25
    mixed = any(len(shares) > 1 for shares, _, _ in sites)
    isotopes = any(
        n >= ISOTOPE and n != 2001 for shares, _, _ in sites for n, _ in shares
    )
    if mixed or isotopes:
        labels_only = False
    populations = rng.random() < 0.1 and len(group.operations()) > 1 and not mixed
    with_formula = labels_only or populations or rng.random() < 0.6
    wrong = with_formula and not populations and rng.random() < 0.1
    lines = [
        "data_x" if rng.random() < 0.95 else "data_my block",
        *cell_lines(cell, rng),
    ]
    if with_formula:
        stated = formula
        if wrong:
            # twice as much of an element, or one more; hydrogen does not count
            stated = formula + f" Xe{sum(crystal.occupancy) / units:.3f}"
        lines.append(f"_chemical_formula_sum '{stated}'")
        if rng.random() < 0.5:
            lines.append(f"_cell_formula_units_Z {units}")
    way, symmetry = symmetry_lines(group, rng)
    dialect.append(way)
    lines += symmetry
    order = list(range(7))
    rng.shuffle(order)
    rows, stated_orbits = [], []
    for k, ((shares, site, occ), orbit) in enumerate(zip(sites, orbits, strict=True)):
        own = occ
        if populations:
            own = occ * len(orbit) / len(group.operations())
        rows += site_rows(k, shares, site, own, digits, populations, labels_only, rng)
        digits_of = np.array(rows[-1][2:5], float)
        stated_orbits.append(stated_orbit(group, site, orbit, digits_of))
    if rng.random() < 0.1 and not labels_only:
        rows.append(["Cg1", "X", "0.111", "0.222", "0.333", "1", "dum"])
    tags = [
        "label",
        "type_symbol",
        "fract_x",
        "fract_y",
        "fract_z",
        "occupancy",
        "calc_flag",
    ]
    if labels_only:
        order.remove(1)
    if all(row[5] == "1" for row in rows) and rng.random() < 0.5:
        order.remove(5)
    dotted = rng.random() < 0.1
    lines.append("loop_")
    lines += [f"_atom_site{'.' if dotted else '_'}{tags[k]}" for k in order]
    lines += [" ".join(row[k] for k in order) for row in rows]
    text = "\n".join(lines) + "\n"
    if rng.random() < 0.1:
        text = text.replace(" -", " \u2212")
    if rng.random() < 0.1:
        text = text.replace("\n", "\r\n")
    flags = {"populations": populations, "labels": labels_only, "formula": with_formula}
    dialect += [name for name, on in flags.items() if on]
    return Known(crystal_of(cell, sites, stated_orbits), text, wrong, dialect)


def cell_lines(cell, rng):
    """Return the lines of a cell."""
    names = [
        "length_a",
        "length_b",
        "length_c",
        "angle_alpha",
        "angle_beta",
        "angle_gamma",
    ]
    esd = rng.choice(("", "(3)"))
    return [
        f"_cell_{name} {value}{esd}" for name, value in zip(names, cell, strict=True)
    ]


def symmetry_lines(group, rng):
    """Return how the file states the group, and the lines."""
    way = rng.choice(
        (
            "operations",
            "operations",
            "twice",
            "symbol",
            "short",
            "number",
            "hall",
            "magnetic",
            "dotted",
        )
    )
    operations = list(group.operations())
    number = [f"_space_group_IT_number {group.number}"]
    if way == "symbol":
        return way, [f"_space_group_name_H-M_alt '{group.xhm()}'"]
    if way == "short":
        return way, [*number, f"_symmetry_space_group_name_H-M '{group.hm}'"]
    if way == "number":
        return way, number
    if way == "hall":
        return way, [f"_space_group_name_Hall '{group.hall}'"]
    if way == "twice":
        operations = operations * 2
    rng.shuffle(operations)
    texts = [operation_text(op, rng) for op in operations]
    tag = rng.choice(("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz"))
    if way == "magnetic":
        tag = "_space_group_symop_magn_operation.xyz"
        texts = [f"{text},{rng.choice(('+1', '-1'))}" for text in texts]
    if way == "dotted":
        tag = "_space_group_symop.operation_xyz"
    stated = number if rng.random() < 0.5 else []
    return way, [*stated, "loop_", tag, *(f"'{text}'" for text in texts)]


def site_rows(k, shares, site, occupancy, digits, populations, labels_only, rng):
    """Return the rows of a site."""
    frac = [coordinate(float(x), digits, rng) for x in site]
    places = 5 if populations else rng.choice((2, 3))
    number = f"{occupancy:.{places}f}" if occupancy != 1 else "1"
    if len(shares) == 1:
        nuclide = shares[0][0]
        element = "D" if nuclide == 2001 else gemmi.Element(int(nuclide % ISOTOPE)).name
        label = f"{element}{k + 1}"
        if labels_only:
            label = element + rng.choice(("1", "A1", "(1)", "M1", f"{k + 1}"))
        return [[label, type_text(nuclide, rng), *frac, number, "."]]
    if rng.random() < 0.5:
        names = " + ".join(
            f"{share:g}{nuclide_symbol(int(n % ISOTOPE))}" for n, share in shares
        )
        if all(n < ISOTOPE for n, _ in shares):
            return [[f"M{k + 1}", f"'{names}'", *frac, number, "."]]
    return [
        [
            f"{gemmi.Element(int(n % ISOTOPE)).name}{k + 1}",
            type_text(n, rng),
            *frac,
            f"{occupancy * share:.4f}",
            ".",
        ]
        for n, share in shares
    ]


def difference(known, found):
    """Return how a crystal differs from the known one, or an empty text."""
    one, other = known.crystal, found
    if not np.allclose(one.lattice, other.lattice, atol=1e-3):
        return "lattice"
    for nuclide in set(one.nuclides.tolist()) | set(other.nuclides.tolist()):
        a = one.occupancy[one.nuclides == nuclide].sum()
        b = other.occupancy[other.nuclides == nuclide].sum()
        if abs(a - b) > 0.01 * max(a, b):
            return f"{nuclide_symbol(nuclide)}: {a:g} read as {b:g}"
    for nuclide, site, share in zip(one.nuclides, one.frac, one.occupancy, strict=True):
        same = other.nuclides == nuclide
        steps = other.frac[same] - site
        steps -= np.round(steps)
        far = np.linalg.norm(steps @ one.lattice, axis=1)
        near = far < 0.2
        if not near.any() or abs(other.occupancy[same][near].sum() - share) > 0.02:
            return f"{nuclide_symbol(int(nuclide))} at {site}"
    return ""
