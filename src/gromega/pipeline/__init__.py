"""What dvc.yaml runs: each stage reads params.yaml, calls, and writes its outs."""

from importlib import import_module

from gromega._util.parallel import leave_cores_to_threads
from gromega.params import read_params

STAGES = {
    "crystals": "crystals:crystals",
    "split": "split:split",
    "spectra": "lake:spectra",
    "library": "lake:library",
    "simulate": "lake:simulate",
    "train": "train:train",
    "calibrate": "calibrate:calibrate",
    "evaluate": "evaluate:evaluate",
    "baselines": "baselines:baselines",
    "simulate-sweep": "lake:simulate_sweep",
    "evaluate-sweep": "evaluate:evaluate_sweep",
    "figures": "figures:figures",
    "report": "report:report",
}
"""The module and function of each stage: it imports what it needs, and no more."""


def main(arguments: list[str]) -> None:
    """Run the stage that the one argument names."""
    if len(arguments) != 1 or arguments[0] not in STAGES:
        raise ValueError(f"give one stage of {', '.join(STAGES)}, got {arguments}.")
    leave_cores_to_threads()
    module, function = STAGES[arguments[0]].split(":")
    getattr(import_module(f"gromega.pipeline.{module}"), function)(read_params())
