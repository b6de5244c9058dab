"""Convolutions along r; with many taps and channels, by Fourier transforms on a CPU.

The hand-written transforms make the training of `Liu` faster on a CPU: with `nnx.Conv`,
a step of one tower (batch 64) took 2.7 times as long (the median of 30 steps in turns,
on 2 cores that other programs also used). Without such a gain they should go.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, lax
from jax.nn import initializers
from numpy.typing import NDArray

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
        inputs, outputs, taps, strides, padding="SAME", kernel_init=init, rngs=rngs
    )


def wide_convolution(conv: nnx.Conv, x: Array) -> Array:
    """Return conv(x), on a CPU without the convolution of XLA.

    For x (length, n, inputs), with stride 1 and padding "SAME",

        y[t, b, o] = bias[o] + Σ_s Σ_i x[t + s, b, i] kernel[s, i, o],

    (length, n, outputs), where s goes from -((taps - 1) // 2) to taps // 2. r is the
    first axis, as a CPU would take long to transpose x. One input is a matrix product
    of shifted copies. Several inputs are convolved by Fourier transforms: between
    these, there is one matrix product per frequency,

        Y[f, b, o] = Σ_i X[f, b, i] conj(K[f, i, o]),

    exact for any period of at least length + taps // 2: the points that wrap around are
    then cut off. The same holds for both gradients. With 32 taps on 209 points, this
    takes a tenth of the multiplications, transforms included.

    All products are of real matrices: XLA is slow at complex ones on a CPU, and for a
    few hundred points a matrix, folded twice, is a faster transform than `jnp.fft`.
    Other devices use the convolution of their own libraries.
    """
    if jax.default_backend() != "cpu":
        return conv(x.swapaxes(0, 1)).swapaxes(0, 1)
    kernel = conv.kernel[...]
    length, taps, inputs = x.shape[0], *kernel.shape[:2]
    if inputs == 1:
        x = jnp.pad(x[..., 0], (((taps - 1) // 2, taps // 2), (0, 0)))
        copies = jnp.stack([x[s : s + length] for s in range(taps)], axis=-1)
        y = _product("tbs,so->tbo", copies, kernel[:, 0])
    else:
        x = jnp.pad(x, ((0, 1 - length % 2), (0, 0), (0, 0)))
        kernel = jnp.pad(kernel, ((1 - taps % 2, 0), (0, 0), (0, 0)))
        y = _correlate(x, kernel)[:length]
    return y if conv.bias is None else y + conv.bias[...]


@jax.custom_vjp
def _correlate(x: Array, kernel: Array) -> Array:
    """Return y[t, b, o] for x[t, b, i] and kernel[s, i, o].

    The first axes of all three are centred: 2h + 1 points from -h to h.
    """
    return _forward(x, kernel)[0]


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, ...]]:
    m = _quarter(x, kernel)
    a, b = _transform(x, m)
    c, d = _transform(kernel, m)
    # (a - ib)(c + id) by three real products instead of four.
    both = _product("fni,fio->fno", a + b, c)
    re = both + _product("fni,fio->fno", b, d - c)
    im = both - _product("fni,fio->fno", a, c + d)
    return _invert(re, im, m, x.shape[0] // 2), (kernel, a, b, c, d)


def _backward(kept: tuple[Array, ...], dy: Array) -> tuple[Array, Array]:
    kernel, a, b, c, d = kept
    m = _quarter(dy, kernel)
    u, v = _transform(dy, m)
    # The gradient of x: (u - iv)(c - id).
    both = _product("fno,fio->fni", u + v, c)
    re = both - _product("fno,fio->fni", v, c + d)
    im = both + _product("fno,fio->fni", u, d - c)
    dx = _invert(re, im, m, dy.shape[0] // 2)
    # The gradient of the kernel: (a - ib)(u + iv).
    both = _product("fni,fno->fio", a + b, u)
    re = both + _product("fni,fno->fio", b, v - u)
    im = both - _product("fni,fno->fio", a, u + v)
    return dx, _invert(re, im, m, kernel.shape[0] // 2)


_correlate.defvjp(_forward, _backward)


def _product(axes: str, left: Array | NDArray[np.float32], right: Array) -> Array:
    return jnp.einsum(axes, left, right, precision=lax.Precision.HIGHEST)


def _quarter(x: Array, kernel: Array) -> int:
    """Return the m of the shortest period, N = 4m + 2, that avoids wrap-around."""
    length, taps = x.shape[0], kernel.shape[0]
    return (max(length + taps // 2, taps) + 1) // 4


@cache
def _tables(m: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the matrices of the transforms and of their inverses.

    Both are (2, 2, m + 1, m + 1). The first axis is cosine or sine of 2πfp/N; the
    second is even f (from 0) or odd f (from 1); then come f and p.
    """
    period = 4 * m + 2
    p = np.arange(m + 1)
    f = (2 * p + np.array([[0], [1]]))[:, :, None]
    waves = np.array([wave(2 * np.pi / period * f * p) for wave in (np.cos, np.sin)])
    once = np.where(p == 0, 0.5, 1)  # x[p] + x[-p] counts x[0] twice
    share = np.where((f == 0) | (2 * f == period), 1, 2) / period
    return (waves * once).astype(np.float32), (waves * share).astype(np.float32)


def _transform(x: Array, m: int) -> tuple[Array, Array]:
    """Return the cosine and sine transforms of x, (2h + 1, …), p from -h to h.

        C[f] = Σ_p x[p] cos(2πfp/N),    S[f] = Σ_p x[p] sin(2πfp/N),

    (2m + 2, …): first the even, then the odd f from 0 to N/2. Two folds halve the work
    each. The even part of x has only cosines, the odd part only sines. And with
    q = N/2 - p,

        cos(2πfq/N) = (-1)^f cos(2πfp/N),    sin(2πfq/N) = -(-1)^f sin(2πfp/N),

    so p up to m is enough.
    """
    h = x.shape[0] // 2
    even, even_q = _fold(x[h:] + x[h::-1], m)
    odd, odd_q = _fold(x[h:] - x[h::-1], m)
    parts = (
        jnp.stack([even + even_q, even - even_q]),
        jnp.stack([odd - odd_q, odd + odd_q]),
    )
    c, s = (
        _product("kfp,kp...->kf...", table[:, :, : len(even)], part)
        for table, part in zip(_tables(m)[0], parts, strict=True)
    )
    shape = 2 * m + 2, *x.shape[1:]
    return c.reshape(shape), s.reshape(shape)


def _fold(part: Array, m: int) -> tuple[Array, Array]:
    """Return an even or odd part, given at p from 0 to h, at p up to m and at q."""
    beyond = part[m + 1 :]
    if not len(beyond):
        return part, jnp.zeros_like(part)
    missing = 2 * m + 2 - len(part)
    return part[: m + 1], jnp.pad(beyond, ((0, missing), (0, 0), (0, 0)))[::-1]


def _invert(c: Array, s: Array, m: int, h: int) -> Array:
    """Return x at p from -h to h, (2h + 1, …), from its transforms."""
    cosines, sines = _tables(m)[1]
    even, odd = _unfold(c, cosines, 1, h), _unfold(s, sines, -1, h)
    return jnp.concatenate([(even - odd)[:0:-1], even + odd])


def _unfold(transform: Array, table: NDArray[np.float32], sign: int, h: int) -> Array:
    """Return the even or odd part at p from 0 to h, (h + 1, …)."""
    by_parity = transform.reshape(2, -1, *transform.shape[1:])
    of_even, of_odd = _product("kfp,kf...->kp...", table[:, :, : h + 1], by_parity)
    part: Array = of_even + of_odd
    if len(part) <= h:
        part = jnp.concatenate([part, sign * (of_even - of_odd)[::-1]])[: h + 1]
    return part
