from releasable import novelty_scores
from reports import row, tables

from gromega.evaluation.report.familiarity import familiarity_section, novelty_table


def test_each_class_has_its_accuracy_and_confidence(made):
    (table,) = tables(made, "by novelty, without the composition, reference")
    expected = ["12", "25.0", "75.0", "30.0", "87.5", "9.5"]
    assert row(table, "no relative")[1:7] == expected
    # if it is stated: top-1, confidence, coverage and groups
    assert row(table, "no relative")[7:] == ["25.0", "30.0", "87.5", "9.5"]
    assert row(table, "1 or 2 relatives")[7] == "81.2"
    # of these, some are known and some new
    assert row(table, "AMD distance from 10 %")[7:] == [""] * 4


def test_a_model_of_one_case_has_no_columns_of_statements():
    head, rows = novelty_table({"unsure": novelty_scores()["unsure"]})
    assert len(head) == len(rows[0]) == 7


def test_there_is_a_table_for_each_condition_and_composition():
    one = {
        "without_composition": novelty_scores(),
        "with_composition": novelty_scores(),
    }
    made = familiarity_section("60 crystals", {"reference": one, "short range": one})
    assert len(made.blocks) == 1 + 4
