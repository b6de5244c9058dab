"""CIF and POSCAR files of our own making."""

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
