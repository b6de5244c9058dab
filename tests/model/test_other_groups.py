import math

import numpy as np
import pytest
from forecasts import forecasts

from gromega.model.other_groups import entropy, fit_other_groups


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_the_log_odds_of_other_groups_are_recovered(generator, share):
    # Of true odds e^(-3 + 1.2 H), whatever the mixture that is fitted on.
    log_p, _ = forecasts(generator, 60_000)
    truth = -3 + 1.2 * entropy(log_p)
    is_other = generator.random(truth.size) < 1 / (1 + np.exp(-truth))
    natural = is_other.mean()
    known, others = log_p[~is_other], log_p[is_other]
    found = fit_other_groups(known, others[: others.shape[0] // 2], share)
    # Odds of another share are so many times as large.
    shift = math.log(share / (1 - share)) - math.log(natural / (1 - natural))
    assert found.slope == pytest.approx(1.2, abs=0.06)
    assert found.offset == pytest.approx(-3 + shift, abs=0.15)
    assert (found.share, found.n) == (share, others.shape[0] // 2)
    p = found.probability(log_p)
    expected = 1 / (1 + np.exp(-found.offset - found.slope * entropy(log_p)))
    np.testing.assert_allclose(p, expected)


def test_entropy_is_that_of_equal_chances():
    equal = np.full((1, 8), -math.log(8))
    assert entropy(equal)[0] == pytest.approx(math.log(8))
    sure = np.array([[0.0, -1e3]])
    assert entropy(sure)[0] == pytest.approx(0)
