import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from gromega.networks.convolution import wide_convolution


def convolution(inputs, outputs, taps, use_bias=True):
    conv = nnx.Conv(
        inputs, outputs, (taps,), padding="SAME", use_bias=use_bias, rngs=nnx.Rngs(0)
    )
    if use_bias:
        conv.bias[...] = jnp.linspace(-1, 1, outputs)
    return conv


def output_and_gradients(of, conv, x):
    graph, state = nnx.split(conv)

    @jax.jit
    def run(state, x):
        y, pull = jax.vjp(lambda state, x: of(nnx.merge(graph, state), x), state, x)
        weights = jax.random.normal(jax.random.key(2), y.shape)
        return y, *jax.tree.leaves(pull(weights))

    return run(state, x)


def by_library(conv, x):
    return conv(x.swapaxes(0, 1)).swapaxes(0, 1)


def assert_equal(found, expected):
    # float32 sums round relative to their largest terms
    assert found.shape == expected.shape
    largest = jnp.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * largest)


@pytest.mark.parametrize(
    ("n", "length", "inputs", "outputs", "taps"),
    [
        # the first and the second convolution of a tower: equal
        (4, 209, 1, 256, 32),
        (4, 209, 256, 64, 32),
        # an even length, an odd number of taps, one PDF: equal
        (1, 208, 3, 2, 31),
        # shortest periods of 10 to 13, made 10 or 14: equal
        *[(2, 9, 3, 2, taps) for taps in (2, 4, 6, 8)],
        # as many taps as points, twice and six times as many: equal
        (2, 12, 3, 2, 12),
        (2, 12, 3, 2, 24),
        (3, 5, 2, 4, 32),
        # a single tap, a single point, both: equal
        (2, 10, 3, 2, 1),
        (2, 1, 3, 2, 4),
        (2, 1, 1, 1, 1),
    ],
)
def test_outputs_and_gradients_equal_those_of_nnx(n, length, inputs, outputs, taps):
    conv = convolution(inputs, outputs, taps)
    x = jax.random.normal(jax.random.key(1), (length, n, inputs))
    expected = output_and_gradients(by_library, conv, x)
    found = output_and_gradients(wide_convolution, conv, x)
    assert len(found) == len(expected) == 4
    for part, part_expected in zip(found, expected, strict=True):
        assert_equal(part, part_expected)


def test_a_convolution_may_have_no_bias():
    conv = convolution(3, 2, 8, use_bias=False)
    x = jax.random.normal(jax.random.key(1), (20, 2, 3))
    assert_equal(wide_convolution(conv, x), by_library(conv, x))


def test_a_gpu_uses_the_convolution_of_its_library(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    conv = convolution(3, 2, 8)
    x = jax.random.normal(jax.random.key(1), (20, 2, 3))
    assert (wide_convolution(conv, x) == by_library(conv, x)).all()
    assert "conv_general_dilated" in str(jax.make_jaxpr(wide_convolution)(conv, x))
