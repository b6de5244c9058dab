import numpy as np
import pytest

from gromega.model.intervals import Share, paired_interval, share_interval


def test_the_interval_is_that_of_a_published_example():
    # Newcombe (1998), table I: 81 of 263
    low, high = share_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_an_interval_contains_the_measured_share():
    for n in range(1, 1001):
        for right in (0, 1, n // 3, n - 1, n):
            low, high = share_interval(right, n)
            assert 0 <= low <= right / n <= high <= 1
        assert share_interval(0, n)[0] == 0.0
        assert share_interval(n, n)[1] == 1.0


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_intervals_reach_their_confidence_level(share):
    random = np.random.default_rng(0)
    hits = 0
    for right in random.binomial(300, share, size=2000):
        low, high = share_interval(right, 300, confidence=0.9)
        hits += low <= share <= high
    assert hits / 2000 == pytest.approx(0.9, abs=0.03)


def test_paired_intervals_reach_their_confidence_level():
    # two models that agree on most crystals: the second is right on 4 % more
    random, hits = np.random.default_rng(1), 0
    for trial in range(600):
        one = random.random(500) < 0.6
        both = np.where(one, random.random(500) < 0.95, random.random(500) < 0.175)
        difference, low, high = paired_interval(one, both, 0.9, 500, trial)
        assert low <= difference <= high
        hits += low <= 0.6 * 0.95 + 0.4 * 0.175 - 0.6 <= high
    assert hits / 600 == pytest.approx(0.9, abs=0.05)


def test_a_paired_interval_is_narrower_than_two_separate_ones():
    one = np.arange(1000) % 2 == 0
    other = one.copy()
    other[1] = True
    _, low, high = paired_interval(one, other)
    assert high - low < 0.01
    low_one, high_one = share_interval(one.sum(), 1000)
    assert high_one - low_one > 0.05


def test_a_share_is_inside_its_interval():
    share = Share.of(np.array([True, True, False, True]))
    assert share.low < share.value == 0.75 < share.high
    assert share.n == 4


def test_a_share_is_shown_with_its_interval_as_a_range():
    assert str(Share(0.0, 0.0, 0.162, 20)) == "0 % (0–16 %)"
    assert str(Share(0.5, 0.47, 0.53, 900)) == "50 % (47–53 %)"


@pytest.mark.parametrize(("right", "n"), [(0, 0), (5, 4), (-1, 4)])
def test_impossible_counts_have_no_interval(right, n):
    with pytest.raises(ValueError, match=f"{right} of {n}"):
        share_interval(right, n)


def test_a_paired_difference_needs_the_same_crystals():
    with pytest.raises(ValueError, match=r"\(3,\) and \(4,\)"):
        paired_interval([1, 0, 1], [1, 0, 1, 1])


def test_a_share_is_shown_with_its_interval():
    share = Share(0.7074, 0.697, 0.717, 8438)
    assert share.cell() == "70.7 (69.7–71.7)"
    assert share.text() == "70.7 % (69.7–71.7 %)"
    assert str(share) == "71 % (70–72 %)"
    # nothing correct of 20: the interval is a range, not ± 8.1
    assert Share.of(np.zeros(20, bool)).cell() == "0.0 (0.0–16.1)"
