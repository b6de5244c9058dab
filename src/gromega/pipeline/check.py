"""Stage: all of params.yaml is checked, before DVC removes an out of another stage."""

from pathlib import Path

from gromega._util.files import write_whole
from gromega.params import Params
from gromega.pdf.operator import check_reach

CHECKED = Path("data/params-checked.txt")


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


def check(params: Params) -> None:
    """Make data/params-checked.txt, which is the same for all valid parameters.

    `gromega.pipeline.main` has checked them, as it does for every stage, but not the
    name of the recipe.

    Raises
    ------
    ValueError
        If there is no such recipe, or if it has no such schedule.
    """
    # Every stage imports this module, and does without the recipes.
    from gromega.training.recipes import recipe_of

    recipe_of(params.train)
    write_whole(CHECKED, "params.yaml is valid.\n")
