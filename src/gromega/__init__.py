"""Space groups of materials from their atomic pair distribution functions."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gromega.conditions import Conditions
    from gromega.crystals.crystal import Crystal
    from gromega.crystals.ingest.read import read_crystals
    from gromega.crystals.io.cif import read_crystal
    from gromega.defects import Defects
    from gromega.measured.pdf import MeasuredPDF, read_pdf
    from gromega.model.io import load_model
    from gromega.model.library_io import load_library
    from gromega.model.matches import Library
    from gromega.model.model import Model
    from gromega.pdf.pair_spectra import PairSpectra, pair_spectra
    from gromega.pdf.simulate import simulate

__all__ = [
    "Conditions",
    "Crystal",
    "Defects",
    "Library",
    "MeasuredPDF",
    "Model",
    "PairSpectra",
    "load_library",
    "load_model",
    "pair_spectra",
    "read_crystal",
    "read_crystals",
    "read_pdf",
    "simulate",
]

_HOMES = {
    "Conditions": "gromega.conditions",
    "Crystal": "gromega.crystals.crystal",
    "Defects": "gromega.defects",
    "Library": "gromega.model.matches",
    "MeasuredPDF": "gromega.measured.pdf",
    "Model": "gromega.model.model",
    "PairSpectra": "gromega.pdf.pair_spectra",
    "pair_spectra": "gromega.pdf.pair_spectra",
    "load_library": "gromega.model.library_io",
    "load_model": "gromega.model.io",
    "read_crystal": "gromega.crystals.io.cif",
    "read_crystals": "gromega.crystals.ingest.read",
    "read_pdf": "gromega.measured.pdf",
    "simulate": "gromega.pdf.simulate",
}
# These import Numba when they compute: without it, they are an error at once.
_COMPUTE_PAIRS = ("PairSpectra", "pair_spectra", "simulate")


def __getattr__(name: str) -> Any:
    """Import a public name on first use: some of the modules take seconds."""
    if name == "__version__":
        from importlib.metadata import version

        return version("gromega")
    if name not in _HOMES:
        raise AttributeError(f"module 'gromega' has no attribute {name!r}")
    try:
        if name in _COMPUTE_PAIRS:
            import_module("gromega.pdf.pairs")
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        from gromega._util.progress import explain_missing

        text = f"gromega.{name}: {explain_missing(error)}"
        raise ModuleNotFoundError(text, name=error.name) from error


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
