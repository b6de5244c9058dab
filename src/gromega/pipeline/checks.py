"""Checks of params.yaml that need no data."""

from gromega.params import Params
from gromega.pdf.operator import check_reach


def check_spectra_reach(params: Params) -> None:
    """Check that pair spectra are long enough for the reference and for all sweeps.

    Raises
    ------
    ValueError
        If G(r) at one of the conditions depends on longer distances.
    """
    points = [("reference", params.reference), *params.swept_conditions()]
    for name, omega in points:
        try:
            check_reach(omega, params.spectra.dmax)
        except ValueError as error:
            raise ValueError(f"spectra.dmax is too short for {name}: {error}") from None
