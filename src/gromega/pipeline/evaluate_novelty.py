"""Stage: predictions for familiar and for new crystals of the test part."""

from collections.abc import Mapping, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from gromega._util.files import write_json
from gromega._util.parallel import keep_memory
from gromega.crystals.crystal import Crystal
from gromega.crystals.structure_type import atoms_of_type
from gromega.crystals.table import crystals_of, read_table, rows_of
from gromega.evaluation import novelty
from gromega.evaluation.cell_sizes import score_cell_sizes
from gromega.lake.spectra import read_spectra
from gromega.lake.splits import read_part, read_relatives
from gromega.model.io import hashes_of, load_model
from gromega.model.model import Model
from gromega.model.neighbours import NeighbourResult
from gromega.networks.logits import classes
from gromega.params import Params
from gromega.pdf.network_grid import simulate_input
from gromega.pipeline import paths


def evaluate_novelty(params: Params) -> None:
    """Make data/predictions/novelty.json: the reference and corners of the box."""
    keep_memory()
    model = load_model(paths.MODEL, compiled=True)
    ids, labels = read_part(paths.SPLIT, "test")
    table = read_table(paths.CRYSTALS)
    trained = rows_of(table, read_part(paths.SPLIT, "train")[0])
    tested = rows_of(table, ids)
    crystals, types = crystals_of(tested), tested["structure_type"].to_pylist()
    distances, _ = novelty.nearest_by_amd(
        *novelty.amd_and_ratios(crystals, types),
        *novelty.amd_and_ratios(
            crystals_of(trained), trained["structure_type"].to_pylist()
        ),
    )
    relatives = read_relatives(paths.CRYSTALS, paths.SPLIT, ids)
    of_class = novelty.classes_of(relatives, distances)
    y, formulas = classes(model.space_groups, labels), tested["formula"].to_pylist()
    choices: list[list[str] | None] = [None]
    choices += [formulas] if model.uses_compositions else []
    spectra, density = read_spectra(paths.SPECTRA, ids)
    words = ("without_composition", "with_composition")
    scores, cell_sizes = {}, {}
    for name, omega in novelty.corners(model.box, model.conditions).items():
        g = simulate_input(spectra, density, ids.tolist(), omega, params.spectra.dmax)
        results = model.query(g, choices)
        scores[name] = {
            word: novelty.score_by_novelty(model, result, given, y, of_class)
            for word, given, result in zip(words, choices, results, strict=False)
        }
        if model.cell_sizes:
            cell_sizes[name] = {
                word: score_cell_sizes_of(
                    model, result, given, crystals, types, of_class
                )
                for word, given, result in zip(words, choices, results, strict=False)
            }
    content = {"model": hashes_of(paths.MODEL), "scores": scores}
    write_json(paths.NOVELTY, {**content, "cell_sizes": cell_sizes})


def score_cell_sizes_of(
    model: Model,
    result: NeighbourResult,
    formulas: Sequence[str] | None,
    crystals: Sequence[Crystal],
    types: Sequence[str],
    of_class: Mapping[str, NDArray[np.bool_]],
) -> dict[str, dict[str, float | None]]:
    """Return the scores of predicted cell sizes, see `score_cell_sizes`.

    A crystal without a structure type, in which spglib finds no group, is left out.
    """
    typed = np.array([bool(name) for name in types])
    atoms = np.array([atoms_of_type(name) for name in types if name])
    density = np.array([crystal.density for crystal in crystals])[typed]
    given = formulas and [*compress(formulas, typed)]
    sizes = model.sizes(result.rows(typed), given)
    classes = {name: rows[typed] for name, rows in of_class.items()}
    return score_cell_sizes(sizes, atoms, atoms / density, classes)
