import pytest

from gromega.defects import ALL_QUANTITIES, DEFECTS, NO_DEFECTS, Defects


def test_by_default_there_is_no_defect():
    assert {name: getattr(NO_DEFECTS, name) for name in DEFECTS} == {
        "second_phase": 0.0,
        "wave": 0.0,
        "counting_noise": 0.0,
        "uiso_spread": 0.0,
        "form_factors": "constant",
    }
    assert set(DEFECTS) < set(ALL_QUANTITIES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("second_phase", 1.2),
        ("second_phase", -0.1),
        ("wave", float("nan")),
        ("counting_noise", "high"),
        ("uiso_spread", -0.001),
        ("form_factors", True),
    ],
)
def test_a_value_that_is_not_allowed_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        Defects(**{name: value})
