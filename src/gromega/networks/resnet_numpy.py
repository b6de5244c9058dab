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
from gromega.networks.quantize import check_shapes, dequantize
from gromega.networks.resnet_constants import NORM_GROUPS, TINY, WINDOW
from gromega.pdf.network_grid import INPUT_R

Floats = NDArray[np.float32]

# PDFs in one block of a thread: their activations fit into a core's cache.
_BLOCK = 64


class NumpyResNet:
    """The network `gromega.networks.resnet.ResNet`, for inference.

    The weights are those of `weights.to_arrays`, and the architecture the arguments of
    `build.make_network`. A ValueError is raised if they do not fit together.
    """

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        architecture: Mapping[str, Any],
        n_groups: int,
    ) -> None:
        self._weights = dequantize(arrays)
        check_shapes(self._weights, _shapes(architecture, n_groups))
        self._strides = _strides(architecture)
        self._n_groups = n_groups
        if (groups := self._weights.get("group_of_type")) is not None:
            # Types of one group side by side, so that their sums are of slices.
            order = np.argsort(groups, kind="stable")
            for part in ("last/kernel", "last/bias"):
                self._weights[part] = self._weights[part][..., order]
            self._groups, self._starts = np.unique(groups[order], return_index=True)

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
        x = self._convolve("stem", views(g))
        for k, stride in enumerate(self._strides):
            x = self._block(f"blocks/{k}", x, stride)
        x = _silu(self._norm("norm", x)).reshape(len(g), -1)
        x = _silu(self._linear("dense", x))
        if "embedding/kernel" not in self._weights:
            return x
        x = self._linear("embedding", x)
        x /= np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-6)
        return x

    def _head(self, x: Floats) -> Floats:
        x = self._linear("last", x)
        if "group_of_type" not in self._weights:
            return log_softmax(x)
        x -= x.max(axis=1, keepdims=True)
        p = np.zeros((len(x), self._n_groups), np.float32)
        p[:, self._groups] = np.add.reduceat(np.exp(x, out=x), self._starts, axis=1)
        log_p: Floats = np.log(np.maximum(p / p.sum(axis=1, keepdims=True), TINY))
        return log_p

    def _linear(self, name: str, x: Floats) -> Floats:
        y: Floats = x @ self._weights[f"{name}/kernel"]
        y += self._weights[f"{name}/bias"]
        return y

    def _convolve(self, name: str, x: Floats, stride: int = 1) -> Floats:
        """Return a convolution along r, (n, ⌈l / stride⌉, outputs)."""
        kernel, bias = (self._weights[f"{name}/{part}"] for part in ("kernel", "bias"))
        n, length, inputs = x.shape
        taps, n_out = len(kernel), -(-length // stride)
        missing = max((n_out - 1) * stride + taps - length, 0)
        padded = np.zeros((n, length + missing, inputs), np.float32)
        padded[:, missing // 2 : missing // 2 + length] = x
        windows = sliding_window_view(padded, (taps, inputs), (1, 2))
        # Copied window by window, so that one matrix product is left.
        columns = windows[:, ::stride, 0].reshape(n * n_out, -1)
        y: Floats = columns @ kernel.reshape(taps * inputs, -1)
        y += bias
        return y.reshape(n, n_out, -1)

    def _norm(self, name: str, x: Floats) -> Floats:
        """Return GroupNorm over r and groups of channels, (n, l, channels)."""
        n, length, channels = x.shape
        each = channels // NORM_GROUPS
        # Sums by channel first, then by group: many times faster than the reverse.
        sums = np.ones(length, np.float32) @ x
        squares = np.einsum("nlc,nlc->nc", x, x)
        mean = sums.reshape(n, NORM_GROUPS, each).mean(axis=2) / length
        power = squares.reshape(n, NORM_GROUPS, each).mean(axis=2) / length
        size = np.sqrt(np.maximum(power - mean**2, 0) + 1e-6)
        scale = self._weights[f"{name}/scale"] / np.repeat(size, each, axis=1)
        bias = self._weights[f"{name}/bias"] - np.repeat(mean, each, axis=1) * scale
        y: Floats = x * scale[:, None]
        y += bias[:, None]
        return y

    def _block(self, name: str, x: Floats, stride: int) -> Floats:
        y = _silu(self._norm(f"{name}/first_norm", x))
        z = self._convolve(f"{name}/first", y, stride)
        z = self._convolve(
            f"{name}/second", _silu(self._norm(f"{name}/second_norm", z))
        )
        z *= self._weights[f"{name}/gain"]
        shortcut = f"{name}/shortcut"
        known = f"{shortcut}/kernel" in self._weights
        z += self._convolve(shortcut, y, stride) if known else x
        return z


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


def _strides(architecture: Mapping[str, Any]) -> list[int]:
    """Return the stride of each block: the first of a stage halves the r axis."""
    return [1 if k else 2 for count in architecture["blocks"] for k in range(count)]


def _shapes(
    architecture: Mapping[str, Any], n_groups: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights by name."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, *kernel: int) -> None:
        shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = kernel, kernel[-1:]

    def add_norm(name: str, channels: int) -> None:
        shapes[f"{name}/scale"] = shapes[f"{name}/bias"] = (channels,)

    widths, counts = architecture["widths"], architecture["blocks"]
    add("stem", 7, 2, widths[0])
    outputs = [w for w, count in zip(widths, counts, strict=True) for _ in range(count)]
    length, inputs = INPUT_R.size, widths[0]
    for k, (width, stride) in enumerate(
        zip(outputs, _strides(architecture), strict=True)
    ):
        add_norm(f"blocks/{k}/first_norm", inputs)
        add(f"blocks/{k}/first", 5, inputs, width)
        add_norm(f"blocks/{k}/second_norm", width)
        add(f"blocks/{k}/second", 5, width, width)
        shapes[f"blocks/{k}/gain"] = (1,)
        if stride != 1 or inputs != width:
            add(f"blocks/{k}/shortcut", 1, inputs, width)
        length, inputs = -(-length // stride), width
    add_norm("norm", inputs)
    width = architecture["dense"]
    add("dense", length * inputs, width)
    if embedding := architecture.get("embedding"):
        add("embedding", width, embedding)
        width = embedding
    n_types = architecture.get("n_types")
    add("last", width, n_types or n_groups)
    if n_types:
        shapes["group_of_type"] = (n_types,)
    return shapes


def _silu(x: Floats) -> Floats:
    """Return x / (1 + exp(-x))."""
    y = np.negative(x)
    # If exp(-x) overflows to infinity, the quotient is 0, as it should be.
    with np.errstate(over="ignore"):
        np.exp(y, out=y)
    y += 1
    return np.divide(x, y, out=y)
