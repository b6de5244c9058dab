import numpy as np
import pytest
from gr_files import G, R, rows, write

from gromega.measured import checks
from gromega.measured.pdf import read_pdf


@pytest.mark.parametrize(
    ("r", "named"),
    [
        (R[::-1], r"20 and then 19\.99 Å"),
        (np.concatenate([R, R]), r"20 and then 0\.01 Å"),
        (R - 1, r"-0\.99 Å"),
    ],
)
def test_r_must_increase_from_zero(r, named):
    with pytest.raises(ValueError, match=named):
        checks.check_r(r)


@pytest.mark.parametrize(
    ("r", "named"),
    [
        # too short, or beyond the range of the network
        (R[:300], r"0\.01 to 3 Å"),
        (R + 30, r"30\.01 to 50 Å"),
        # a wide gap, or one of many times the usual step
        (R[(R < 8) | (R >= 9)], r"7\.99 and 9 Å"),
        (R[(R < 8) | (R > 8.1)], r"7\.99 and 8\.11 Å"),
        # r in pm, in steps that are wide even so
        (40.0 * np.arange(1, 60), "r_unit"),
        (np.array([20.0, 60.0]), "r_unit"),
    ],
)
def test_a_range_that_lacks_too_much_is_an_error(r, named):
    with pytest.raises(ValueError, match=named):
        checks.check_range(r)


def test_the_largest_step_is_returned():
    assert checks.check_range(R) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("y", "named"),
    [
        (0 * R, r"0 everywhere"),
        (-0.0 * R, r" 0 everywhere"),
        (0 * R + 5, "5 everywhere"),
        (1e200 * G, r"-9\..*e\+199"),
    ],
)
def test_a_constant_or_huge_function_is_an_error(y, named):
    with pytest.raises(ValueError, match=named):
        checks.check_size("G(r)", y)


@pytest.mark.parametrize(
    "y",
    [
        # I(Q); g(r) or S(Q); R(r)
        np.exp(-R),
        np.clip(1 + G, 0, 9) - 0.01,
        R**2 * (1 + G) - 0.01,
    ],
)
def test_a_function_that_does_not_oscillate_about_zero_is_an_error(y):
    with pytest.raises(ValueError, match="about 0"):
        checks.check_shape("G(r)", y)


@pytest.mark.parametrize(
    ("y", "named"),
    [
        (np.where(R >= 0, np.nan, G), "0 of its 2000 rows"),
        (np.where(R == 5, np.nan, G), r"r = 4\.99"),
    ],
)
def test_rows_without_numbers_within_the_data_are_an_error(y, named):
    with pytest.raises(ValueError, match=named):
        checks.finite_rows(R, y, [])


def test_limits_that_leave_no_data_are_an_error():
    with pytest.raises(ValueError, match=r"0\.01 to 20 Å"):
        checks.cut(R, G, 40.0, None)


def test_a_long_function_is_checked_in_the_range_of_the_network(tmp_path):
    r = np.arange(1, 40_001) * 0.01
    g = np.sin(2.5 * r) * np.exp(-r / 20)
    assert read_pdf(write(tmp_path, rows(r, g))).notes == ()
    noise = g + 0.5 * np.where(np.arange(r.size) % 2, 1, -1)
    with pytest.raises(ValueError, match="Qmax"):
        read_pdf(write(tmp_path, rows(r, noise)))
    with pytest.raises(ValueError, match="about 0"):
        read_pdf(write(tmp_path, rows(r, 1 + g)))


def test_r_in_nanometres_without_a_unit_is_an_error(tmp_path):
    path = write(tmp_path, rows(R / 10, np.sin(9 * R)))
    with pytest.raises(ValueError, match="r_unit"):
        read_pdf(path)
    # far enough to be taken for Å
    r = np.arange(0.01, 150, 0.01)
    path = write(tmp_path, rows(r / 10, np.sin(9 * r)))
    with pytest.raises(ValueError, match=r"90 Å⁻¹.*r_unit"):
        read_pdf(path)
    np.testing.assert_allclose(read_pdf(path, r_unit="nm").r, r, rtol=1e-6)
    assert read_pdf(path, r_unit="Å").r[-1] == pytest.approx(15, abs=0.01)


def test_data_that_are_cut_off_may_lack_numbers(tmp_path):
    path = write(tmp_path, rows(R, np.where((R > 1) & (R < 1.2), np.nan, G)))
    with pytest.raises(ValueError, match="r = 1;"):
        read_pdf(path)
    assert read_pdf(path, rmin=1.5).r[0] == 1.5


def test_rows_without_a_number_at_the_ends_are_left_out(tmp_path):
    pdf = read_pdf(write(tmp_path, rows(R, np.where(R < 0.05, np.nan, G))))
    assert pdf.r[0] == 0.05
    (note,) = pdf.notes
    assert "4 rows" in note
