"""Score a network trained on synthetic crystals alone on real ones.

    python experiments/synthetic.py 1778 12 RUN/data

Make that many crystals of each of the 45 groups of data/synthetic.yaml, train the small
network for that many epochs, and score it at the reference conditions on the test part
of RUN, a folder in which the pipeline was run on real crystals. The best epoch is
chosen on 6 % of the synthetic crystals. 80,010 crystals take 35 minutes on 2 cores.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from gromega._util.parallel import open_processes
from gromega.conditions import REFERENCE
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import synthesize
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import draw_split, read_part
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.logits import ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_operator
from gromega.pdf.operator import apply_operator
from gromega.pdf.spectrum import pair_spectra
from gromega.training.history import Epoch, Progress
from gromega.training.inputs import FixedInputs, LabelledPDFs
from gromega.training.loop import train_network
from gromega.training.recipes import get_recipe

ROOT = Path(__file__).parents[1]


def simulate_synthetic(
    recipe: SyntheticRecipe,
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return ids, the network's input (n, 209), and space groups of crystals."""
    operator = input_operator(REFERENCE, DMAX)
    ids, inputs, groups = [], [], []
    with open_processes() as pool:
        for made in synthesize(recipe, pool):
            crystals = [crystal for crystal, _ in made]
            ids += [crystal.id for crystal in crystals]
            groups += [group for _, group in made]
            density = np.array([crystal.density for crystal in crystals])
            inputs.append(apply_operator(operator, pair_spectra(crystals), density))
    return ids, np.concatenate(inputs), np.array(groups)


def main(per_group: int, epochs: int, data: Path) -> None:
    """Train and score the network."""
    recipe = SyntheticRecipe.from_yaml(ROOT / "data" / "synthetic.yaml")
    ids, x, groups = simulate_synthetic(replace(recipe, crystals_per_group=per_group))
    known = np.unique(groups)
    # The split of a pipeline with split.test = 0.02; its test part trains here.
    parts = draw_split(ids, groups, test=0.02, validation=0.06)
    validating = parts == "validation"
    y = np.searchsorted(known, groups)
    names = np.array(ids)
    train, validation = (
        LabelledPDFs(names[rows], x[rows], y[rows])
        for rows in (~validating, validating)
    )

    def report(progress: Epoch | Progress) -> None:
        if isinstance(progress, Epoch):
            print(progress, flush=True)

    test_crystals, labels = read_part(data / "split.parquet", "test")
    small = get_recipe("small")
    inputs = FixedInputs(train, small.stretch)
    network, _ = train_network(
        small,
        make_network(small.network, known.size, 0),
        inputs,
        validation,
        test_crystals,
        epochs,
        seed=0,
        report=report,
    )
    real = read_pdfs(data / "reference.zarr", test_crystals)
    log_p = Compiled(network).predict(real)
    rank = ranks(log_p, np.searchsorted(known, labels))
    print(
        f"{len(ids)} synthetic crystals, {epochs} epochs: top-1 "
        f"{np.mean(rank < 1):.1%}, top-6 {np.mean(rank < 6):.1%} of "
        f"{test_crystals.size} real test crystals"
    )


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
