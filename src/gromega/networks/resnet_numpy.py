"""The network `ResNet` in NumPy: a prediction takes less time than importing JAX.

`gromega.networks.resnet` describes each layer: change both together.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gromega._util.parallel import in_threads
from gromega.networks.logits import check_finite, log_softmax
from gromega.networks.quantize import dequantize
from gromega.networks.resnet_constants import NORM_GROUPS, TINY, WINDOW
from gromega.pdf.network_grid import INPUT_R

Floats = NDArray[np.float32]

# PDFs in one block of a thread: their activations fit into a core's cache.
_BLOCK = 64


class NumpyResNet:
    """The network `gromega.networks.resnet.ResNet`, for inference.

    Parameters
    ----------
    arrays
        The weights, as `gromega.networks.weights.to_arrays` returns them.
    architecture
        The arguments of the network, as for `gromega.networks.build.make_network`.
    n_groups
        The number of space groups.

    Raises
    ------
    ValueError
        If the weights do not fit the architecture.
    """

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        architecture: Mapping[str, Any],
        n_groups: int,
    ) -> None:
        weights = _Weights(dequantize(arrays))
        widths = architecture["widths"]
        self._stem = _Convolution(weights, "stem", 7, 2, widths[0])
        self._blocks: list[_Block] = []
        length, inputs = INPUT_R.size, widths[0]
        for width, count in zip(widths, architecture["blocks"], strict=True):
            length = -(-length // 2)
            for k in range(count):
                name, stride = f"blocks/{len(self._blocks)}", 1 if k else 2
                self._blocks.append(_Block(weights, name, inputs, width, stride))
                inputs = width
        self._norm = _Norm(weights, "norm", inputs)
        width = architecture["dense"]
        self._dense = _Linear(weights, "dense", length * inputs, width)
        self._embedding = None
        if architecture.get("embedding"):
            self._embedding = _Linear(
                weights, "embedding", width, architecture["embedding"]
            )
            width = architecture["embedding"]
        n_types = architecture.get("n_types")
        self._last = _Linear(weights, "last", width, n_types or n_groups)
        self._membership = None
        if n_types:
            group_of_type = weights.take("group_of_type", (n_types,))
            self._membership = np.eye(n_groups, dtype=np.float32)[group_of_type]
        weights.check_all_taken()

    def predict(self, g: Floats) -> Floats:
        """Return log-probabilities, (n, n_groups), for G on `INPUT_R`, (n, 209)."""
        return self.head(self.embed(g))

    def embed(self, g: Floats) -> Floats:
        """Return embeddings, (n, width), for G on `INPUT_R`, (n, 209)."""
        return check_finite(np.concatenate(in_threads(self._embed, g, _BLOCK)))

    def head(self, x: Floats) -> Floats:
        """Return log-probabilities, (n, n_groups), for embeddings, (n, width)."""
        return check_finite(np.concatenate(in_threads(self._head, x, _BLOCK)))

    def _embed(self, g: Floats) -> Floats:
        x = self._stem(views(g))
        for block in self._blocks:
            x = block(x)
        x = _silu(self._dense(_silu(self._norm(x)).reshape(len(g), -1)))
        if self._embedding is None:
            return x
        x = self._embedding(x)
        x /= np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-6)
        return x

    def _head(self, x: Floats) -> Floats:
        x = self._last(x)
        if self._membership is None:
            return log_softmax(x)
        x -= x.max(axis=1, keepdims=True)
        p: Floats = np.exp(x, out=x) @ self._membership
        log_p: Floats = np.log(np.maximum(p / p.sum(axis=1, keepdims=True), TINY))
        return log_p


def views(g: Floats) -> Floats:
    """Return G(r) normalized in two ways, (n, 209) to (n, 209, 2)."""
    largest = np.abs(g).max(axis=1, keepdims=True)
    size: Floats = np.where(largest > 0, largest, 1)
    g = g / size
    power = g**2
    mean = power.mean(axis=1, keepdims=True)
    padded = np.pad(power, ((0, 0), (WINDOW // 2 + 1, WINDOW // 2)))
    total = np.cumsum(padded, axis=1, dtype=np.float64)
    local = ((total[:, WINDOW:] - total[:, :-WINDOW]) / WINDOW).astype(np.float32)
    whole = g / np.sqrt(mean + 1e-12)
    level = g / np.sqrt(local + 1e-3 * mean + 1e-12)
    return np.stack([whole, level], axis=2, dtype=np.float32)


class _Weights:
    """Arrays by name, of which the layers take each once and check its shape."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._left = arrays

    def take(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        array = self._left.pop(name, None)
        if array is None:
            raise ValueError(f"{name} is missing")
        if array.shape != shape:
            raise ValueError(f"{name} has the shape {array.shape}, not {shape}")
        return array

    def check_all_taken(self) -> None:
        if self._left:
            name = next(iter(self._left))
            raise ValueError(f"{name} is not part of the network")


class _Linear:
    def __init__(self, weights: _Weights, name: str, inputs: int, outputs: int) -> None:
        self._kernel = weights.take(f"{name}/kernel", (inputs, outputs))
        self._bias = weights.take(f"{name}/bias", (outputs,))

    def __call__(self, x: Floats) -> Floats:
        y: Floats = x @ self._kernel
        y += self._bias
        return y


class _Convolution:
    """A convolution along r, (n, l, inputs) to (n, ⌈l / stride⌉, outputs)."""

    def __init__(
        self, weights: _Weights, name: str, taps: int, inputs: int, outputs: int,
        stride: int = 1,
    ) -> None:  # fmt: skip
        kernel = weights.take(f"{name}/kernel", (taps, inputs, outputs))
        self._kernel = kernel.reshape(taps * inputs, outputs)
        self._bias = weights.take(f"{name}/bias", (outputs,))
        self._taps, self._stride = taps, stride

    def __call__(self, x: Floats) -> Floats:
        n, length, inputs = x.shape
        n_out = -(-length // self._stride)
        missing = max((n_out - 1) * self._stride + self._taps - length, 0)
        padded = np.zeros((n, length + missing, inputs), np.float32)
        padded[:, missing // 2 : missing // 2 + length] = x
        windows = sliding_window_view(padded, (self._taps, inputs), (1, 2))
        # Copied window by window, so that one matrix product is left.
        columns = windows[:, :: self._stride, 0].reshape(n * n_out, -1)
        y: Floats = columns @ self._kernel
        y += self._bias
        return y.reshape(n, n_out, -1)


class _Norm:
    """GroupNorm: over r and groups of channels, (n, l, channels)."""

    def __init__(self, weights: _Weights, name: str, channels: int) -> None:
        self._scale = weights.take(f"{name}/scale", (channels,))
        self._bias = weights.take(f"{name}/bias", (channels,))

    def __call__(self, x: Floats) -> Floats:
        n, length, channels = x.shape
        each = channels // NORM_GROUPS
        # Sums by channel first, then by group: many times faster than the reverse.
        sums = np.ones(length, np.float32) @ x
        squares = np.einsum("nlc,nlc->nc", x, x)
        mean = sums.reshape(n, NORM_GROUPS, each).mean(axis=2) / length
        power = squares.reshape(n, NORM_GROUPS, each).mean(axis=2) / length
        size = np.sqrt(np.maximum(power - mean**2, 0) + 1e-6)
        scale = self._scale / np.repeat(size, each, axis=1)
        y: Floats = x * scale[:, None]
        y += (self._bias - np.repeat(mean, each, axis=1) * scale)[:, None]
        return y


class _Block:
    def __init__(
        self, weights: _Weights, name: str, inputs: int, outputs: int, stride: int
    ) -> None:
        self._first_norm = _Norm(weights, f"{name}/first_norm", inputs)
        self._first = _Convolution(weights, f"{name}/first", 5, inputs, outputs, stride)
        self._second_norm = _Norm(weights, f"{name}/second_norm", outputs)
        self._second = _Convolution(weights, f"{name}/second", 5, outputs, outputs)
        self._gain = weights.take(f"{name}/gain", (1,))
        self._shortcut = None
        if stride != 1 or inputs != outputs:
            self._shortcut = _Convolution(
                weights, f"{name}/shortcut", 1, inputs, outputs, stride
            )

    def __call__(self, x: Floats) -> Floats:
        y = _silu(self._first_norm(x))
        z = self._second(_silu(self._second_norm(self._first(y))))
        z *= self._gain
        z += self._shortcut(y) if self._shortcut else x
        return z


def _silu(x: Floats) -> Floats:
    """Return x / (1 + exp(-x))."""
    y = np.negative(x)
    # If exp(-x) overflows to infinity, the quotient is 0, as it should be.
    with np.errstate(over="ignore"):
        np.exp(y, out=y)
    y += 1
    return np.divide(x, y, out=y)
