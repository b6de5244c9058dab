"""The networks and training steps of the recipes in PyTorch, for `throughput`.

It runs in an environment of its own, with PyTorch 2.13 and NumPy alone.
"""

from collections.abc import Callable
from functools import partial

import torch
from throughput_data import N_GROUPS, N_TYPES, data
from torch import nn
from torch.nn import functional


def to_unit(g):
    low, high = g.aminmax(dim=1, keepdim=True)
    return ((g - low) / (high - low))[:, None, :]


class Block(nn.Module):
    """`gromega.networks.small.ResidualBlock`."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(inputs, outputs, 5, stride=2, padding=2),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, 5, padding=2),
            nn.BatchNorm1d(outputs),
        )
        self.shortcut = nn.Conv1d(inputs, outputs, 1, stride=2)

    def forward(self, x):
        return torch.relu(self.main(x) + self.shortcut(x))


class Residual(nn.Module):
    """`gromega.networks.small.Residual`."""

    def __init__(self):
        super().__init__()
        widths = (40, 80, 160, 240)
        pairs = zip((40, *widths), widths, strict=False)
        self.stem = nn.Sequential(
            nn.Conv1d(1, 40, 5, padding=2), nn.BatchNorm1d(40), nn.ReLU()
        )
        self.blocks = nn.Sequential(*(Block(i, o) for i, o in pairs))
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(240, N_GROUPS))

    def forward(self, g):
        x = self.blocks(self.stem(to_unit(g)))
        return torch.log_softmax(self.head(x.mean(dim=2)), dim=1)


def tower():
    return nn.Sequential(
        nn.Conv1d(1, 256, 32, padding="same"),
        nn.ReLU(),
        nn.BatchNorm1d(256),
        nn.Conv1d(256, 64, 32, padding="same"),
        nn.ReLU(),
        nn.BatchNorm1d(64),
        nn.MaxPool1d(2),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(104 * 64, 128),
        nn.ReLU(),
        nn.BatchNorm1d(128),
        nn.Dropout(0.5),
        nn.Linear(128, N_GROUPS),
        nn.Softmax(dim=1),
    )


class Liu(nn.Module):
    """`gromega.networks.liu.Liu`."""

    def __init__(self, towers):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.towers = nn.ModuleList(tower() for _ in range(towers))

    def forward(self, g):
        x = self.norm(to_unit(g))
        mean = sum(each(x) for each in self.towers) / len(self.towers)
        return torch.log(mean + 1e-12)


class PreActivationBlock(nn.Module):
    """`gromega.networks.resnet.PreActivationBlock`."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first_norm = nn.GroupNorm(8, inputs)
        self.first = nn.Conv1d(inputs, outputs, 5, stride=stride, padding=2)
        self.second_norm = nn.GroupNorm(8, outputs)
        self.second = nn.Conv1d(outputs, outputs, 5, padding=2)
        self.gain = nn.Parameter(torch.zeros(1))
        alike = stride == 1 and inputs == outputs
        self.shortcut = None if alike else nn.Conv1d(inputs, outputs, 1, stride)

    def forward(self, x):
        y = functional.silu(self.first_norm(x))
        z = self.second(functional.silu(self.second_norm(self.first(y))))
        return (self.shortcut(y) if self.shortcut else x) + self.gain * z


class TypeNetwork(nn.Module):
    """The network of the recipe `robust`, to log p of structure types."""

    def __init__(self, widths, blocks, dense, embedding):
        super().__init__()
        self.stem = nn.Conv1d(2, widths[0], 7, padding=3)
        made, inputs, length = [], widths[0], 209
        for width, count in zip(widths, blocks, strict=True):
            length = -(-length // 2)
            for k in range(count):
                made.append(PreActivationBlock(inputs, width, 1 if k else 2))
                inputs = width
        self.blocks = nn.Sequential(*made)
        self.norm = nn.GroupNorm(8, inputs)
        self.drop = nn.Dropout(0.1)
        self.dense = nn.Linear(length * inputs, dense)
        self.embedding = nn.Linear(dense, embedding)
        self.last = nn.Linear(embedding, N_TYPES)

    def forward(self, g):
        g = g / g.abs().amax(dim=1, keepdim=True)
        power = (g**2)[:, None]
        mean = power.mean(dim=2, keepdim=True)
        local = functional.avg_pool1d(power, 33, stride=1, padding=16)
        levels = (mean + 1e-12).rsqrt(), (local + 1e-3 * mean + 1e-12).rsqrt()
        views = torch.cat([g[:, None] * level for level in levels], dim=1)
        x = self.blocks(self.stem(views))
        x = functional.silu(self.norm(x)).flatten(1)
        x = self.embedding(functional.silu(self.dense(self.drop(x))))
        x = x * ((x**2).mean(dim=1, keepdim=True) + 1e-6).rsqrt()
        return torch.log_softmax(self.last(x), dim=1)


def torch_steps(name: str, batch: int, steps: int) -> Callable[[], float]:
    """Return a function that takes steps and returns the last loss."""
    torch.set_num_threads(2)
    torch.set_float32_matmul_precision("high")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "small":
        network = Residual()
    elif name == "robust":
        network = TypeNetwork((48, 96, 192, 256), (1, 1, 1, 1), 320, 192)
    else:
        network = Liu(1 if name == "paper-one-tower" else 3)
    network.to(device)
    parameters = list(network.parameters())
    optimizer = {
        "small": partial(torch.optim.AdamW, lr=2e-3, weight_decay=0.05),
        "robust": partial(torch.optim.AdamW, lr=2e-3, weight_decay=0.02),
    }.get(name, partial(torch.optim.Adam, lr=5e-4))(parameters)
    liu = name.startswith("paper")
    kernels = [each for each in parameters if each.ndim > 1] if liu else []
    weights = torch.ones(N_GROUPS, device=device)
    g, y, types = (torch.from_numpy(array).to(device) for array in data(batch))
    membership = functional.one_hot(torch.arange(N_TYPES, device=device) % N_GROUPS)
    membership = membership.to(torch.float32)

    def loss_of():
        log_p, loss = network(g), 0.0
        if name == "robust":
            loss = -0.5 * log_p.gather(1, types[:, None]).mean()
            log_p = torch.log((log_p.exp() @ membership).clamp(min=1e-30))
        loss = loss - (weights[y] * log_p.gather(1, y[:, None])[:, 0]).mean()
        return loss + 1e-5 * sum((kernel**2).sum() for kernel in kernels)

    def take() -> float:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            optimizer.step()
        return loss.item()

    return take
