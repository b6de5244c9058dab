"""Stage: the released model along the axes of the paper, on its own test crystals."""

import shutil

from gromega._util.files import read_json, write_json
from gromega._util.parallel import keep_memory
from gromega._util.progress import progress_bar
from gromega.conditions import REFERENCE
from gromega.evaluation.plot_data import write_curve
from gromega.evaluation.released import released_scores, score_among_all
from gromega.evaluation.score import ALL_GROUPS, flat
from gromega.lake.splits import benchmark_of_counts
from gromega.model.io import load_model
from gromega.params import Params
from gromega.pipeline.paths import RELEASED, RELEASED_CURVES, RELEASED_SCORES
from gromega.sweeps import AXES


def evaluate_released(params: Params) -> None:
    """Make metrics/released.json, at the reference, and metrics/released/<axis>.csv.

    They do not depend on the crystals of this pipeline.
    """
    keep_memory()
    model = load_model(RELEASED, compiled=True)
    card = read_json(RELEASED / "card.json")
    groups = benchmark_of_counts(card["data"]["by_space_group"])
    shutil.rmtree(RELEASED_CURVES, ignore_errors=True)
    with progress_bar("axes", len(AXES)) as advance:
        for axis, scores in released_scores(model, groups):
            write_curve(RELEASED_CURVES / f"{axis.name}.csv", axis, scores)
            reference = scores[axis.key(getattr(REFERENCE, axis.name))]
            advance(1)
    if groups.size < model.space_groups.size:
        reference[ALL_GROUPS] = score_among_all(model)
    write_json(RELEASED_SCORES, flat(reference))
