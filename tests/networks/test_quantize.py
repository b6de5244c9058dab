import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from gromega.networks.quantize import (
    SCALE,
    dequantize,
    pack_halves,
    pack_names,
    quantize,
    round_matrix,
    unpack_halves,
    unpack_names,
)

SHAPES = npst.array_shapes(min_dims=2, max_dims=3, max_side=6)
# Weights of a network, and zero; subnormal numbers have no room for a scale.
WEIGHTS = st.floats(-64, 64, width=32, allow_subnormal=False).map(
    lambda x: x if abs(x) > 1e-20 else 0.0
)
MATRICES = npst.arrays(np.float32, SHAPES, elements=WEIGHTS)


@given(MATRICES)
def test_a_rounded_matrix_is_stored_in_a_byte_each_without_loss(matrix):
    rounded = round_matrix(matrix)
    stored = quantize("m", rounded)
    assert stored["m"].dtype == np.int8
    assert stored["m" + SCALE].shape == matrix.shape[-1:]
    restored = dequantize(stored)
    assert set(restored) == {"m"}
    assert restored["m"].dtype == np.float32
    np.testing.assert_array_equal(restored["m"], rounded)


@given(MATRICES)
def test_rounding_moves_no_weight_by_more_than_half_a_step(matrix):
    step = np.abs(matrix).reshape(-1, matrix.shape[-1]).max(axis=0) / 127
    assert (np.abs(round_matrix(matrix) - matrix) <= 0.51 * step).all()


@given(MATRICES)
def test_rounding_twice_is_rounding_once(matrix):
    once = round_matrix(matrix)
    np.testing.assert_array_equal(round_matrix(once), once)


def test_a_matrix_that_is_not_rounded_is_stored_as_it_is(generator):
    matrix = generator.normal(size=(5, 3)).astype(np.float32)
    stored = quantize("m", matrix)
    assert list(stored) == ["m"]
    assert stored["m"] is matrix


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"))))
def test_names_come_back_from_their_bytes(names):
    names = names or [""]
    assert unpack_names(pack_names(names)) == tuple(names)


@given(npst.arrays(np.int8, npst.array_shapes(min_dims=2, max_dims=2, max_side=7),
                   elements=st.integers(-8, 7)))  # fmt: skip
def test_4_bit_integers_come_back_from_half_the_bytes(whole):
    packed = pack_halves(whole)
    assert packed.shape == (whole.shape[0], (whole.shape[1] + 1) // 2)
    np.testing.assert_array_equal(unpack_halves(packed, whole.shape[1]), whole)
