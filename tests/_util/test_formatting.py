import pytest

from gromega._util.formatting import (
    in_percent,
    markdown_table,
    percent,
    signed_points,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (in_percent(0.7074), "70.7"),
        (percent(0.7074), "70.7 %"),
        (percent(0.9, 0), "90 %"),
        (signed_points(0.0123), "+1.2"),
        (signed_points(-0.2), "-20.0"),
    ],
)
def test_shares_are_shown_in_percent(text, expected):
    assert text == expected


def test_a_markdown_table_aligns_numbers_right():
    assert markdown_table(["group", "top-1"], [["225", "50.0"]]).splitlines() == [
        "| group | top-1 |",
        "| :--- | ---: |",
        "| 225 | 50.0 |",
    ]
