"""The content of the report on a model whose predictions are known."""

from reports import report

from gromega.evaluation.report.content import Table


def test_the_summary_has_accuracies_with_their_ranges(made):
    # Wilson's interval of 45 of 60
    assert "75.0 % (62.8–84.2 %)" in made.summary
    assert "60 test crystals, random split of synthetic.yaml" in made.summary


def test_comparisons_follow_the_reference():
    other = Table("Other.", ["point"], [["reference"]])
    assert report(comparisons=[other]).sections[1].blocks == [other]
