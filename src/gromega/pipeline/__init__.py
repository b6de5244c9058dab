"""The stages of dvc.yaml: each reads params.yaml, calls, and writes its outs.

Stage ``x-y`` is the function ``x_y`` of the module ``x_y``.
"""

from importlib import import_module

from gromega._util.parallel import leave_cores_to_threads
from gromega.params import read_params

STAGES = (
    "crystals",
    "split",
    "spectra",
    "library",
    "simulate",
    "train",
    "calibrate",
    "evaluate",
    "baselines",
    "simulate-sweep",
    "evaluate-sweep",
    "figures",
    "report",
)
"""The stages in the order in which they can run."""


def main(arguments: list[str]) -> None:
    """Run the stage that the one argument names.

    All of params.yaml is checked first: a value that a later stage would refuse stops
    the pipeline before it trains a model.

    Raises
    ------
    ValueError
        If there is no such stage, or a parameter is not allowed.
    """
    if len(arguments) != 1 or arguments[0] not in STAGES:
        raise ValueError(f"give one stage of {', '.join(STAGES)}; got {arguments}.")
    leave_cores_to_threads()
    params = read_params()
    # It imports NumPy, which must come after the line above.
    from gromega.pipeline.checks import check_spectra_reach

    check_spectra_reach(params)
    name = arguments[0].replace("-", "_")
    # A stage imports no more than it needs.
    getattr(import_module(f"gromega.pipeline.{name}"), name)(params)
