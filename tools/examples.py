"""Simulate the example PDFs of the web page.

    python tools/examples.py tests/data/classics.json src/gromega/examples

writes PDFs of textbook crystals with the conditions and the noise of some instruments.
"""

import json
import sys
from pathlib import Path

from gromega.conditions import Conditions
from gromega.crystals.crystal import Crystal
from gromega.pdf.simulate import simulate

LAB = Conditions(qmax=17.0, qdamp=0.06, qbroad=0.02, rmax=20.0, noise=0.05)
SYNCHROTRON = Conditions(qmax=25.0, qdamp=0.035, uiso=0.006, noise=0.03)
SPALLATION = Conditions(
    qmax=30.0, qdamp=0.018, qbroad=0.019, noise=0.03, radiation="neutron"
)
NANO = Conditions(qmax=22.0, diameter=40.0, noise=0.05)
EXAMPLES = {
    "rutile-synchrotron": ("rutile", SYNCHROTRON),
    "spinel-laboratory": ("spinel", LAB),
    "strontium-titanate-neutrons": ("strontium titanate", SPALLATION),
    "wurtzite-4nm": ("wurtzite", NANO),
}
STATED = ("qmin", "qmax", "qdamp", "qbroad", "radiation")


def main(classics: Path, folder: Path) -> None:
    """Write the examples."""
    crystals = {
        c["id"]: Crystal(c["id"], c["lattice"], c["numbers"], c["frac"], c["occupancy"])
        for c in json.loads(classics.read_text())
    }
    for name, (which, omega) in EXAMPLES.items():
        r, g = simulate([crystals[which]], omega)
        values = omega.to_mapping()
        lines = [f"# {which}, simulated, with noise", "#"]
        lines += [f"# {key} = {values[key]}" for key in STATED]
        lines += ["# r (Å)  G(r) (Å⁻²)"]
        lines += [f"{x:.4f} {y:.5f}" for x, y in zip(r, g[0], strict=True)]
        (folder / f"{name}.gr").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
