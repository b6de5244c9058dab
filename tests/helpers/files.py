"""CIF and POSCAR files made for tests, valid and hostile."""

from gromega.crystals.refusal import Reason

CIF = """\
data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{atoms}
"""
ROCK_SALT = "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"


def cif(name="halite", a="5.64", group="F m -3 m", atoms=ROCK_SALT):
    """Return a cubic CIF file."""
    return CIF.format(name=name, a=a, group=group, atoms=atoms)


TRICLINIC = """\
data_x
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha {alpha}
_cell_angle_beta {alpha}
_cell_angle_gamma {alpha}
{more}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{atoms}
"""


def named_cif(symbol, atoms, a="4.75", alpha="57.2", more=""):
    """Return a CIF file of a rhombohedral cell that states a space group symbol."""
    tags = f"_space_group_name_H-M_alt '{symbol}'\n{more}"
    return TRICLINIC.format(a=a, alpha=alpha, atoms=atoms, more=tags)


POSCAR = """\
rock salt
1.0
0.0 2.82 2.82
2.82 0.0 2.82
2.82 2.82 0.0
Na Cl
1 1
Direct
0 0 0
0.5 0.5 0.5
"""


def shell(n):
    """Return a cell of n atoms on a random, well-spaced grid."""
    rows = []
    for k in range(n):
        x, y, z = k % 22, k // 22 % 22, k // 484
        rows.append(f"C{k} C {x / 22:.5f} {y / 22:.5f} {z / 22:.5f} 1")
    return cif(a="66", group="P 1", atoms="\n".join(rows))


HOSTILE = {
    # cut in the middle of an atom
    "truncated.cif": (cif()[:-60], Reason.UNREADABLE),
    # bytes that are not text
    "binary.cif": (bytes(range(256)) * 8, Reason.UNREADABLE),
    "empty.cif": ("", Reason.NO_ATOMS),
    # a quote that never ends, and many that do
    "quotes.cif": (cif() + "_text '" + "' '" * 5000, Reason.UNREADABLE),
    "semicolons.cif": (cif() + "_text\n;" + "\n ;" * 5000, Reason.UNREADABLE),
    "nameless.cif": ("loop_\n_atom_site_fract_x\n0.1\n", Reason.UNREADABLE),
    # text only
    "global.cif": ("data_global\n_publ_author_name 'A B'\n", Reason.NO_ATOMS),
    "empty-loop.cif": (cif(atoms=""), Reason.NO_ATOMS),
    "ghosts.cif": (cif(atoms="Na1 Na 0 0 0 0"), Reason.NO_ATOMS),
    "unknown-place.cif": (cif(atoms="Na1 Na 0 ? 0 1"), Reason.NO_COORDINATES),
    "nan.cif": (cif(atoms="Na1 Na 0 nan 0 1"), Reason.NO_COORDINATES),
    "infinite.cif": (cif(atoms="Na1 Na 0 1e999 0 1"), Reason.NO_COORDINATES),
    "no-cell.cif": (cif(a="?"), Reason.BAD_CELL),
    "no-volume.cif": (cif(a="0.0"), Reason.BAD_CELL),
    "flat.cif": (cif().replace("gamma 90", "gamma 180"), Reason.BAD_CELL),
    "impossible.cif": (cif().replace("alpha 90", "alpha 5"), Reason.BAD_CELL),
    "vast.cif": (cif(a="1e30"), Reason.BAD_CELL),
    "negative.cif": (cif(a="-5.64"), Reason.BAD_CELL),
    # a cubic group in a cell that is not cubic
    "slanted.cif": (cif().replace("gamma 90", "gamma 80"), Reason.BAD_CELL),
    "group.cif": (cif(group="F m 7 m"), Reason.NO_SYMMETRY),
    "element.cif": (cif(atoms="X1 Qq 0 0 0 1"), Reason.UNKNOWN_ELEMENT),
    "occupied.cif": (cif(atoms="Na1 Na 0 0 0 1.4"), Reason.BAD_OCCUPANCY),
    "shared.cif": (
        cif(atoms="Na1 Na 0 0 0 0.7\nK1 K 0 0 0 0.6"),
        Reason.BAD_OCCUPANCY,
    ),
    "overlap.cif": (
        cif(group="P 1", atoms="Na1 Na 0 0 0 1\nCl1 Cl 0.05 0 0 1"),
        Reason.OVERLAP,
    ),
    "crowd.cif": (shell(10_000), Reason.TOO_MANY_ATOMS),
    # 23 sites on the general position of Fm-3m
    "crowd-by-symmetry.cif": (
        cif(
            a="90",
            atoms="\n".join(
                f"C{k} C 0.{11 + k} 0.{23 + 2 * k} 0.{37 + k} 1" for k in range(23)
            ),
        ),
        Reason.TOO_MANY_ATOMS,
    ),
    # nearly face-centred
    "unstable.cif": (
        cif(
            group="P 1",
            atoms="A Cu 0.003 0 0 1\nB Cu 0.5 0.5 0 1\nC Cu 0.5 0 0.5 1\n"
            "D Cu 0 0.5 0.5 1",
        ),
        Reason.UNSTABLE_LABEL,
    ),
    # all atoms of one cell give a group other than the stated one
    "label.cif": (
        "\n".join(
            line
            for line in cif(
                group="F -4 3 m", atoms="A Zn 0 0 0 1\nB Zn 0.25 0.25 0.25 1"
            ).splitlines()
        ),
        Reason.OTHER_LABEL,
    ),
    "organic.cif": (
        cif(group="P 1", atoms="C1 C 0 0 0 1\nH1 H 0.2 0 0 1\nH2 H 0 0.2 0 1"),
        Reason.ORGANIC,
    ),
    "operations.cif": (
        cif() + "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'a+b'\n",
        Reason.UNREADABLE,
    ),
    "no-group.cif": (
        cif() + "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'2*x,y,z'\n",
        Reason.UNREADABLE,
    ),
    "POSCAR_letters": (POSCAR.replace("0 0 0", "a b c"), Reason.UNREADABLE),
    "POSCAR_old": (POSCAR.replace("Na Cl\n", ""), Reason.UNKNOWN_ELEMENT),
    "POSCAR_short": (POSCAR[:-12], Reason.UNREADABLE),
    "POSCAR_unknown": (POSCAR.replace("Na", "Qq"), Reason.UNKNOWN_ELEMENT),
    "POSCAR_flat": (POSCAR.replace("2.82 2.82 0.0", "0 0 0"), Reason.BAD_CELL),
    "POSCAR_nan": (POSCAR.replace("0 0 0", "nan 0 0"), Reason.NO_COORDINATES),
    "POSCAR_three": (POSCAR.replace("1 1\n", "1 1 1\n"), Reason.UNREADABLE),
    "POSCAR_vast": (POSCAR.replace("1.0\n", "1e6\n"), Reason.BAD_CELL),
    "POSCAR_none": (POSCAR.replace("1 1\n", "0 0\n"), Reason.NO_ATOMS),
    "POSCAR_many": (POSCAR.replace("1 1\n", "1 9999\n"), Reason.TOO_MANY_ATOMS),
}


NICKEL = """\
data_nickel
_cell_length_a 3.524
_cell_length_b 3.524
_cell_length_c 3.524
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Ni1 0 0 0
"""
