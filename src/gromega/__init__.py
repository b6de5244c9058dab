"""Space groups from atomic pair distribution functions, and how far to trust them."""

from gromega.conditions import Conditions
from gromega.crystals.cif import read_crystal
from gromega.crystals.crystal import Crystal
from gromega.models.model import Model, load_model
from gromega.pdf.simulate import simulate

__all__ = ["Conditions", "Crystal", "Model", "load_model", "read_crystal", "simulate"]
