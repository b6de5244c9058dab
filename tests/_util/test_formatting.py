import pytest

from gromega._util.formatting import (
    in_percent,
    in_percent_with_range,
    markdown_table,
    percent,
    percent_with_range,
    signed_points,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (in_percent(0.7074), "70.7"),
        (percent(0.7074), "70.7 %"),
        (percent(0.9, 0), "90 %"),
        # nothing correct of 20: the interval is a range, not ± 8.1
        (in_percent_with_range(0.0, 0.0, 0.1611), "0.0 (0.0–16.1)"),
        (percent_with_range(0.7074, 0.697, 0.717), "70.7 % (69.7–71.7 %)"),
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
