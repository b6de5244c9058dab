import numpy as np
import pytest

from gromega.conditions import Box
from gromega.lake.pdfs import read_pdfs
from gromega.lake.splits import read_part
from gromega.pipeline.parts import box_part, part_of
from gromega.pipeline.paths import REFERENCE_PDFS, SPLIT

GROUPS = np.array([225, 194, 229])


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_a_part_has_the_pdfs_and_classes_of_its_crystals(name):
    part = part_of(name, GROUPS)
    ids, space_groups = read_part(SPLIT, name)
    assert part.ids.tolist() == ids.tolist()
    assert GROUPS[part.y].tolist() == space_groups.tolist()
    np.testing.assert_array_equal(part.g, read_pdfs(REFERENCE_PDFS, ids))


@pytest.mark.usefixtures("inside")
def test_each_seed_gives_all_crystals_at_other_conditions():
    part, box = part_of("validation", GROUPS), Box()
    both = box_part(part, box, [1, 2])
    n = part.y.size
    assert both.g.shape == (2 * n, 209)
    assert both.ids.tolist() == 2 * part.ids.tolist()
    assert both.y.tolist() == 2 * part.y.tolist()
    for k, seed in enumerate((1, 2)):
        alone = box_part(part, box, [seed])
        np.testing.assert_array_equal(both.g[k * n : (k + 1) * n], alone.g)
    assert (both.g[:n] != both.g[n:]).any(axis=1).all()
