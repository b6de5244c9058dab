import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gromega.training.inputs import FixedInputs, LabelledPDFs

ROWS = jnp.array([2, 0])


@pytest.fixture
def pdfs(generator):
    return LabelledPDFs(
        np.array(["a", "b", "c"]),
        generator.normal(size=(3, 209)).astype(np.float32),
        np.array([0, 1, 0]),
    )


def batch(inputs, key=0):
    arrays, buffer = inputs.epoch_arrays(0), inputs.operator_buffer(0)
    return np.asarray(inputs.batch(arrays, buffer, ROWS, jax.random.key(key)))


def test_fixed_inputs_give_the_pdfs_of_the_rows(pdfs):
    inputs = FixedInputs(pdfs)
    np.testing.assert_array_equal(batch(inputs), pdfs.g[[2, 0]])
    np.testing.assert_array_equal(batch(inputs, key=1), pdfs.g[[2, 0]])


def test_fixed_inputs_with_a_strain_are_stretched_by_key(pdfs):
    inputs = FixedInputs(pdfs, 0.05)
    one, again, other = (batch(inputs, key) for key in (0, 0, 1))
    assert np.abs(one - pdfs.g[[2, 0]]).max() > 0.01
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.01


def test_each_epoch_has_all_rows_of_fixed_inputs(pdfs):
    inputs = FixedInputs(pdfs)
    assert inputs.rows(0).tolist() == inputs.rows(5).tolist() == [0, 1, 2]
    assert inputs.type_mask(inputs.epoch_arrays(0), ROWS).tolist() == [1, 1]
