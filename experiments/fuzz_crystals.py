"""Check that known crystals in random dialects of CIF are read right, or refused.

    python experiments/fuzz_crystals.py 20000

`tests/helpers/cif_dialects.py` writes each crystal from a seed: settings, origins,
repeated operations, cut digits, isotopes, mixed types, populations as occupancies,
orders of columns. Print the numbers of right, refused (by reason) and wrong readings,
and fail if one is wrong. A reading with other coordinates is right if the PDFs are
equal.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from cif_dialects import difference, write

from gromega.conditions import RADIATIONS
from gromega.crystals.io.cif import read_block
from gromega.crystals.io.cif_text import structure_blocks
from gromega.crystals.refusal import RefusedError
from gromega.pdf.spectrum import valid_spectra


def outcome(seed: int) -> str:
    """Return ``right``, the reason of a refusal, or ``WRONG`` with the difference."""
    known = write(seed)
    try:
        (block,) = structure_blocks(known.text.encode())
        found = read_block(block).crystal
    except RefusedError as error:
        return f"refused: {error.reason}"
    if known.wrong:
        return "WRONG: the formula disagrees"
    different = difference(known, found)
    if different:
        pair = [known.crystal, found]
        for radiation in RADIATIONS:
            _, (one, other) = valid_spectra(pair, radiation, 12.0)
            smooth = np.ones(9) / 9
            one, other = np.convolve(one, smooth), np.convolve(other, smooth)
            if np.abs(one - other).max() > 0.05 * np.abs(one).max():
                return f"WRONG: {different} ({', '.join(known.dialect)})"
        return "right: an equivalent crystal"
    return "right"


def main() -> None:
    """Read the crystals of some seeds."""
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    counts: Counter[str] = Counter()
    for seed in range(first, first + int(sys.argv[1])):
        result = outcome(seed)
        if result.startswith("WRONG"):
            print(seed, result, flush=True)
            result = "WRONG"
        counts[result] += 1
    for result, count in counts.most_common():
        print(f"{count:7d} {result}")
    if counts["WRONG"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
