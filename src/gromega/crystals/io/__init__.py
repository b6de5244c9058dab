"""Files in: CIF, POSCAR, archives."""
