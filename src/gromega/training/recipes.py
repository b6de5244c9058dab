"""Recipes: named ways to train, each a network with its loss and optimizer."""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import optax
import optax.contrib

from gromega.conditions import Box
from gromega.crystals.generate.variants import Changes

# The first and the last layer are no maps between like spaces.
_NOT_BY_MUON = ("stem", "last")
_ADAM_SHARE = 0.15


@dataclass(frozen=True)
class Recipe:
    """A named way to train.

    Parameters
    ----------
    network
        The network's arguments, without the number of groups.
    batch
        The number of PDFs in a batch.
    learning_rate
        The highest learning rate.
    decay
        The decay of the learning rate per epoch, as in exp(-decay · epoch); without
        one it rises for one epoch, from a twentieth, and falls along a cosine to zero.
    l2
        The weight of the sum of all squared kernels in the loss.
    weight_decay
        The decoupled weight decay of AdamW; 0 is Adam.
    balanced
        Whether a class i weighs N_train / N_i in the loss.
    stretch
        The largest strain, alike in all directions, by which training PDFs are
        stretched anew in every batch: it changes no space group.
    muon
        Whether matrices and convolutions are trained by Muon (Jordan et al., 2024),
        with steps of orthogonal matrices, and only the rest by AdamW.
    variants
        How far the variants go that crystals are trained on as; if None, the PDFs of
        the lake are trained on as they are.
    box
        The box that the conditions of variants are drawn from; the reference alone if
        None.
    extra
        Whether variants are also made of the crystals of data/augmentation.parquet.
    types
        The weight in the loss of -log p of the structure type, for a network whose
        outputs are structure types; 0 for others.
    memory
        The number of conditions at which the crystals of the training part are
        embedded to be remembered, the reference first, by each radiation that their
        variants are seen by; 0 remembers none.
    """

    network: dict[str, Any]
    batch: int
    learning_rate: float
    decay: float | None = None
    l2: float = 0.0
    weight_decay: float = 0.0
    balanced: bool = False
    stretch: float = 0.0
    muon: bool = False
    variants: Changes | None = None
    box: Box | None = None
    extra: bool = False
    types: float = 0.0
    memory: int = 0

    def schedule(self, epochs: int, steps: int) -> optax.Schedule:
        """Return the learning rate by step, for so many epochs of so many steps."""
        if self.decay is None:
            return optax.warmup_cosine_decay_schedule(
                self.learning_rate / 20,
                self.learning_rate,
                warmup_steps=steps,
                decay_steps=max(epochs, 2) * steps,
            )
        return optax.exponential_decay(
            self.learning_rate, steps, math.exp(-self.decay), staircase=True
        )

    def optimizer(self, epochs: int, steps: int) -> optax.GradientTransformation:
        """Return Muon where the recipe asks for it, AdamW or Adam elsewhere."""
        schedule = self.schedule(epochs, steps)
        if self.muon:
            return optax.chain(optax.clip_by_global_norm(1.0), self._muon(schedule))
        if self.weight_decay:
            return optax.adamw(schedule, weight_decay=self.weight_decay)
        return optax.adam(schedule)

    def _muon(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        def axes(path: Any, leaf: Any) -> Any:
            name = jax.tree_util.keystr(path)
            if leaf.ndim < 2 or any(part in name for part in _NOT_BY_MUON):
                return None
            inputs = tuple(range(leaf.ndim - 1))
            return optax.contrib.MuonDimensionNumbers(inputs, (leaf.ndim - 1,))

        return optax.contrib.muon(
            schedule,
            weight_decay=self.weight_decay,
            muon_weight_dimension_numbers=partial(
                jax.tree_util.tree_map_with_path, axes
            ),
            adam_weight_decay=self.weight_decay,
            adam_learning_rate=lambda step: _ADAM_SHARE * schedule(step),
        )


_PAPER = Recipe(
    {"name": "liu", "towers": 3},
    batch=64,
    learning_rate=5e-4,
    decay=0.025,
    l2=1e-5,
    balanced=True,
)
_ROBUST = Recipe(
    {
        "name": "resnet", "widths": (48, 96, 192, 256), "blocks": (1, 1, 1, 1),
        "dense": 320, "dropout": 0.1, "embedding": 192,
    },
    batch=256,
    learning_rate=0.02,
    weight_decay=0.02,
    stretch=0.02,
    muon=True,
    variants=Changes(keep=0.5, orbits=0.5, other_radiation=0.2),
    box=Box(),
    extra=True,
    types=0.5,
    memory=4,
)  # fmt: skip
RECIPES: dict[str, Recipe] = {
    # Cheap enough for `make repro` on two cores.
    "small": Recipe(
        {"name": "residual", "widths": (40, 80, 160, 240), "dropout": 0.3},
        batch=128,
        learning_rate=2e-3,
        weight_decay=0.05,
        stretch=0.05,
    ),
    # All conditions of the box at once, on variants of all crystals at hand.
    "robust": _ROBUST,
    # The same at the reference alone: what does being robust cost there?
    "robust-at-reference": replace(
        _ROBUST,
        box=None,
        variants=Changes(keep=0.5, orbits=0.5, uiso=0.0, other_radiation=0.0),
        memory=1,
    ),
    # Liu et al. (2019) as Lan et al. trained it, 160 epochs.
    "paper": _PAPER,
    # The same with one of its three towers, a third of the work.
    "paper-one-tower": replace(_PAPER, network={"name": "liu", "towers": 1}),
}


def get_recipe(name: str) -> Recipe:
    """Return the recipe of a name.

    Raises
    ------
    ValueError
        If there is no such recipe.
    """
    if name not in RECIPES:
        raise ValueError(
            f"there is no recipe {name!r}; the recipes are {', '.join(RECIPES)}."
        )
    return RECIPES[name]
