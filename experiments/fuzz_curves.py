"""Check that no known curve in a random dialect is read as another one.

    python experiments/fuzz_curves.py 20000

Write curves of the engine with random labels, units, columns, numbers and headers, and
read them. Print the number of files by outcome. Fail if a file was read wrongly without
a note, and print the first of these.
"""

import json
import sys
from collections import Counter
from io import StringIO
from pathlib import Path
from random import Random

from gromega import Crystal, read_pdf

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "helpers"))

from pdf_dialects import random_case, random_curves, verdict  # noqa: E402

CURVES = 60


def classics() -> list[Crystal]:
    """Return the crystals of the tests."""
    content = json.loads((ROOT / "tests" / "data" / "classics.json").read_text())
    return [
        Crystal(c["id"], c["lattice"], c["numbers"], c["frac"], c["occupancy"])
        for c in content
    ]


def main() -> None:
    """Write and read files, and print the outcomes."""
    if len(sys.argv) < 2:
        sys.exit(str(__doc__))
    n, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    curves = random_curves(classics(), CURVES, seed)
    rng = Random(seed)
    outcomes: Counter[str] = Counter()
    wrong = []
    for k in range(n):
        case = random_case(rng, rng.choice(curves))
        file = StringIO(case.content)
        file.name = case.name
        try:
            found = verdict(case, read_pdf(file, **case.options))
        except ValueError as error:
            found = "refused"
            reason = str(error).partition(": ")[2][:30]
            outcomes[f"  {reason}"] += 1
        if found not in ("right", "refused", "noted"):
            wrong.append((k, found, case))
            found = "wrong"
        outcomes[found] += 1
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")
    for k, found, case in wrong[:10]:
        print(f"\n{k}: {found}; {case.name}, {case.options}, {case.stated}")
        print("\n".join(case.content.splitlines()[:8]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
