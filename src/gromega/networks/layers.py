"""Layers that several networks share."""

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
    """Return a convolution along r, (n, l, inputs) to (n, ⌈l / strides⌉, outputs)."""
    return nnx.Conv(
        inputs,
        outputs,
        kernel_size=(taps,),
        strides=(strides,),
        padding="SAME",
        kernel_init=init,
        rngs=rngs,
    )


def batch_norm(
    channels: int,
    rngs: nnx.Rngs,
    scale_init: initializers.Initializer = initializers.ones,
) -> nnx.BatchNorm:
    """Return a BatchNorm whose running averages follow a short training.

    With Flax's default momentum of 0.99 they would lag behind.
    """
    return nnx.BatchNorm(channels, momentum=0.9, scale_init=scale_init, rngs=rngs)
