"""Layers that several networks are made of."""

from flax import nnx
from jax.nn import initializers

HE_UNIFORM = initializers.he_uniform()


def convolution(
    inputs: int,
    outputs: int,
    taps: int,
    rngs: nnx.Rngs,
    strides: int = 1,
    init: initializers.Initializer = HE_UNIFORM,
) -> nnx.Conv:
    """Return a convolution along r that keeps its length, but for the strides."""
    return nnx.Conv(
        inputs,
        outputs,
        kernel_size=(taps,),
        strides=(strides,),
        padding="SAME",
        kernel_init=init,
        rngs=rngs,
    )


def batch_norm(channels: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    """Return a BatchNorm for short trainings."""
    # The default momentum, 0.99, lags behind in a short training.
    return nnx.BatchNorm(channels, momentum=0.9, rngs=rngs)
