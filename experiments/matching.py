"""Whether matches by Rw improve the ranking of the network.

    python experiments/matching.py RUN [--model MODEL] [--library LIBRARY] [--count 300]

simulates validation crystals of RUN, a folder where the pipeline was run, each at
conditions of its own, typical of measurements, and ranks their space groups by the
model, by the best matches of the library, and by both. Model and library must come from
the training part of the same split.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

import gromega
from gromega.conditions import REFERENCE
from gromega.lake import splits
from gromega.lake.spectra import read_spectra
from gromega.measured.pdf import MeasuredPDF
from gromega.networks.logits import ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import INPUT_R, input_operator, points_within
from gromega.pdf.noise import add_crystal_noise
from gromega.pdf.operator import apply_operator

MATCHES = 20
SPREAD = 0.02
FLOOR = 0.01
NOISE = 0.02


def draw_conditions(random):
    """Return conditions typical of measurements."""
    return REFERENCE.at(
        rmax=float(random.choice([20.0, 25.0, 30.0])),
        qmax=float(random.uniform(15, 30)),
        qdamp=float(random.uniform(0.01, 0.08)),
        uiso=float(np.exp(random.uniform(np.log(0.003), np.log(0.02)))),
    )


def measure(random, name, spectrum, density):
    """Return the PDF of a crystal as a network takes it, and as a file has it."""
    omega = draw_conditions(random)
    op = input_operator(omega.at(noise=NOISE), DMAX)
    g = apply_operator(op, spectrum[None], [density])
    g = add_crystal_noise(op, g, [name])[0].astype(float)
    keep = points_within(omega.rmin, omega.rmax)
    names = ("rmin", "rmax", "qmin", "qmax", "qdamp", "qbroad", "radiation")
    stated = {name: getattr(omega, name) for name in names}
    return np.where(keep, g, 0.0), MeasuredPDF(INPUT_R[keep], g[keep], stated, "")


def score(what, log_p, y):
    """Print top-1, top-6 and the mean of -log p."""
    loss = -log_softmax(log_p, axis=1)[np.arange(y.size), y].mean()
    rank = ranks(log_p, y)
    print(f"{what:24} {np.mean(rank < 1):6.1%} {np.mean(rank < 6):6.1%} {loss:7.4f}")


def main() -> None:
    """Print the accuracies by the model, by the matches, and by both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", default="models/spacegroup")
    parser.add_argument("--library", default="models/library.parquet")
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    model = gromega.load_model(options.model)
    library = gromega.load_library(options.library)

    random = np.random.default_rng(5)
    ids, labels = splits.read_part(options.run / "data/split.parquet", "validation")
    rows = np.sort(random.permutation(ids.size)[: options.count])
    spectra, density = read_spectra(options.run / "data/spectra.zarr", ids[rows])
    y = np.searchsorted(model.space_groups, labels[rows])

    inputs = np.empty((y.size, INPUT_R.size), np.float32)
    share = np.zeros((y.size, model.space_groups.size))
    best, first = np.empty(y.size), np.empty(y.size, np.int64)
    for i in range(y.size):
        inputs[i], pdf = measure(random, ids[rows[i]], spectra[i], density[i])
        found = library.match(pdf, MATCHES).best
        best[i] = found[0].rw
        groups = np.searchsorted(model.space_groups, [match.number for match in found])
        first[i] = groups[0]
        np.add.at(share[i], groups, np.exp((best[i] - [m.rw for m in found]) / SPREAD))
    log_shares = np.log(share / share.sum(axis=1, keepdims=True) + FLOOR)
    log_p = np.asarray(model.log_probabilities(inputs))

    print(f"{y.size} validation crystals       top-1  top-6  -log p")
    score("model", log_p, y)
    score(f"{MATCHES} matches", log_shares, y)
    for weight in (0.05, 0.1, 0.2, 0.4):
        score(
            f"both, matches {weight:g}", (1 - weight) * log_p + weight * log_shares, y
        )
    right = log_p.argmax(axis=1) == y
    for low, high in ((0.0, 0.2), (0.2, 0.3), (0.3, np.inf)):
        of = (best >= low) & (best < high)
        print(
            f"best Rw {low:g} to {high:g}: {of.sum()} crystals, first group right: "
            f"model {right[of].mean():.1%}, match {(first == y)[of].mean():.1%}"
        )


if __name__ == "__main__":
    main()
