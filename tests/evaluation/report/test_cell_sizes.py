from releasable import cell_size_scores
from reports import tables

from gromega.evaluation.report.cell_sizes import cell_sizes_section


def test_each_class_is_scored_with_and_without_the_composition(made):
    (table,) = tables(made, "Size of the primitive cell")
    alone = ["60", "50.0", "62.5", "95.0", "2.0", "", "", ""]
    assert table.rows[0] == ["all", "not given", *alone]
    assert table.rows[1][:4] == ["new", "not given", "60", "25.0"]
    given = ["60", "75.0", "62.5", "95.0", "2.0", "12.5", "90.0", "1.8"]
    assert table.rows[2] == ["all", "given", *given]
    assert len(table.rows) == 3


def test_there_is_a_table_for_each_condition():
    scores = cell_size_scores()
    made = cell_sizes_section("60 crystals", {"reference": scores, "short": scores})
    assert len(made.blocks) == 1 + 2
