"""How long answers take: `python benchmarks/predict.py`, part of `make bench`.

By models/spacegroup, for a series as a beamline measures it, made here: one PDF of the
examples with other noise in each file, 3,001 rows as PDFgetX3 writes them; of more than
2,000 files each is linked several times. Each command runs three times; the median is
printed.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from gromega import load_model, read_pdf
from gromega._util.parallel import n_cores

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "spacegroup"
MEASURED = ROOT / "src" / "gromega" / "examples" / "rutile-synchrotron.gr"
HEAD = "[DEFAULT]\n\nversion = pdfgetx3 2.1.1\nmode = xray\nqmax = 25.0\n\n"
HEAD += "#### start data\n#S 1\n#L r(Å)  G(Å$^{-2}$)\n"
NOISE = 0.02
DISTINCT = 2000
RUNS = 3


def write_series(folder: Path, n: int) -> None:
    known = read_pdf(MEASURED)
    r = np.arange(3001) / 100
    g = np.interp(r, known.r, known.g)
    rng = np.random.default_rng(0)
    for k in range(n):
        path = folder / f"{k:05}.gr"
        if k >= DISTINCT:
            path.hardlink_to(folder / f"{k % DISTINCT:05}.gr")
            continue
        y = g + NOISE * np.abs(g).max() * rng.normal(size=r.size)
        rows = (f"{a:g} {b:.9g}" for a, b in zip(r, y, strict=True))
        path.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")


def median(call) -> float:
    took = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return float(np.median(took))


def command(*words) -> None:
    program = str(Path(sys.executable).with_name("gromega"))
    subprocess.run(
        [program, "predict", *map(str, words), "--model", str(MODEL)],
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--files", type=int, default=20_000)
    n = parser.parse_args().files
    if not MODEL.is_dir():
        raise SystemExit("models/spacegroup is missing; run 'git restore models'")
    rows = Table(title=f"gromega predict, {n_cores()} cores")
    for heading in ("what", "measured", "to reach"):
        rows.add_column(heading)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_series(folder, n)
        one = folder / "00000.gr"
        took = median(lambda: command(one))
        rows.add_row(
            "one file, with reliability, from the start", f"{took:.1f} s", "4 s"
        )
        took = median(lambda: command(one, "--no-reliability"))
        rows.add_row("the same without reliability", f"{took:.1f} s", "")
        took = median(lambda: command(folder, "--no-reliability", "--csv"))
        rows.add_row(
            f"{n:,} files without reliability", f"{n / took:.0f} per second", "500"
        )
        model = load_model(MODEL)
        model.predict(read_pdf(one), reliability=False)
        took = median(lambda: model.predict(read_pdf(one), reliability=False))
        rows.add_row("one more without reliability", f"{took * 1e3:.0f} ms", "50 ms")
    Console(highlight=False).print(rows)


if __name__ == "__main__":
    main()
