"""Accuracies from diffpy.srreal's curves and from those of the native engine."""

import json

import numpy as np
import pytest
from conftest import DATA, read_crystals

from gromega.conditions import GRID_STEP, Conditions
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.logits import ranks
from gromega.pdf.bins import DMAX
from gromega.pdf.network_grid import input_readout
from gromega.pdf.operator import apply_operator, build_operator
from gromega.pdf.spectrum import make_spectra
from gromega.training.recipes import get_recipe


def seen(r, g):
    """Return what a network sees of curves on the grid k Δ, (n, 209)."""
    readout = input_readout()
    whole = np.zeros((len(g), readout.shape[1]))
    whole[:, np.round(r / GRID_STEP).astype(int)] = g
    return (whole @ readout.T).astype(np.float32)


def both(crystals, curves):
    """Return what a network sees of all curves, by srreal and by the native engine."""
    density = [crystal.density for crystal in crystals]
    theirs, ours = [], []
    for radiation in ("xray", "neutron"):
        spectra = make_spectra(crystals, radiation, DMAX)
        for k, values in enumerate(json.loads(str(curves["conditions"]))):
            if f"{radiation}_{k}" in curves:
                op = build_operator(Conditions(**values, radiation=radiation), DMAX)
                ours.append(seen(op.r, apply_operator(op, spectra, density)))
                theirs.append(seen(curves[f"r_{k}"], curves[f"{radiation}_{k}"]))
    return np.concatenate(theirs), np.concatenate(ours)


@pytest.mark.parametrize("name", ["small", "robust", "paper-one-tower"])
@pytest.mark.parametrize("source", ["classics", "real crystals"])
def test_accuracies_are_the_same_to_the_last_digit(name, source, request):
    folder, curves = DATA, "classics.npz"
    crystals = "classics.json"
    if source == "real crystals":
        folder = request.getfixturevalue("shared") / "golden"
        crystals, curves = "crystals.json", "srreal.npz"
    made = read_crystals(folder / crystals)
    with np.load(folder / curves) as file:
        theirs, ours = both(made, dict(file))
    network = make_network(get_recipe(name).network, 45, 0)
    y = np.tile(np.arange(len(made)) % 45, len(ours) // len(made))
    by_srreal, by_us = (Compiled(network).predict(g) for g in (theirs, ours))
    # Noise of 1 % of G changes the least touched of these networks by 0.008.
    np.testing.assert_allclose(by_us, by_srreal, rtol=0, atol=2e-4)
    assert np.ptp(by_us, axis=0).max() > 0.1
    theirs, ours = ranks(by_srreal, y), ranks(by_us, y)
    for k in (1, 6):
        assert (theirs < k).mean() == (ours < k).mean()
    assert len(set(ours)) > 10
