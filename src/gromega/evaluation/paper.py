"""Results of Lan, Liu, Du & Billinge, for comparison with our own.

Source: the robustness test of the spacegroupMining model, Tables 2 to 5. The model of
Liu et al. (2019) was trained on 98,830 structures of the ICSD in 45 space groups at the
reference, and tested on a tenth of the test part.
"""

from gromega.sweeps import Axis

PAPER_REFERENCE = {"top1": 0.677, "top6": 0.902}

PAPER_SWEEPS: dict[str, dict[str, tuple[float, ...]]] = {
    "rmax": {
        "value": (10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        "top1": (
            *(0.285, 0.367, 0.433, 0.449, 0.511, 0.552),
            *(0.600, 0.617, 0.652, 0.671, 0.677),
        ),
        "top6": (
            *(0.648, 0.717, 0.747, 0.778, 0.820, 0.871),
            *(0.882, 0.890, 0.901, 0.901, 0.902),
        ),
    },
    "qmax": {
        "value": (12, 15, 18, 21, 23, 24, 27, 30),
        "top1": (0.516, 0.591, 0.597, 0.604, 0.677, 0.663, 0.598, 0.610),
        "top6": (0.777, 0.795, 0.811, 0.822, 0.902, 0.900, 0.805, 0.840),
    },
    "qdamp": {
        "value": (0.00, 0.03, 0.04, 0.06, 0.09, 0.12, 0.15),
        "top1": (0.602, 0.659, 0.677, 0.579, 0.390, 0.294, 0.234),
        "top6": (0.861, 0.897, 0.902, 0.879, 0.741, 0.648, 0.578),
    },
    "uiso": {
        "value": (0.005, 0.006, 0.007, 0.008, 0.009, 0.010),
        "top1": (0.618, 0.649, 0.664, 0.677, 0.666, 0.641),
        "top6": (0.873, 0.895, 0.904, 0.902, 0.900, 0.900),
    },
}


def reported(axis: Axis) -> dict[str, tuple[float, float]]:
    """Return the paper's top-1 and top-6 by value of an axis, empty for other axes."""
    columns = PAPER_SWEEPS.get(axis.name, {}).values()
    return {axis.key(v): (top1, top6) for v, top1, top6 in zip(*columns, strict=True)}
