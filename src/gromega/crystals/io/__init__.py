"""Reading crystals: CIF and POSCAR files, folders, archives and tables."""
