import threading

import numpy as np
import pytest

from gromega._util.threads import in_threads


@pytest.mark.parametrize("n", [1, 4, 5, 23])
def test_blocks_come_back_in_order(n):
    x = np.arange(2 * n).reshape(n, 2)
    blocks = in_threads(lambda block: 3 * block, x, 4)
    assert max(len(block) for block in blocks) <= 4
    np.testing.assert_array_equal(np.concatenate(blocks), 3 * x)


def test_one_block_runs_in_the_calling_thread():
    (thread,) = in_threads(lambda block: threading.current_thread(), np.zeros(4), 4)
    assert thread is threading.current_thread()


def test_an_error_in_a_block_is_raised():
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda block: 1 // int(block.min()), np.arange(9), 3)
