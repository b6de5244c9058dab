"""Recipes: named ways to train, each a network with its inputs, loss and optimizer.

CONTRIBUTING.md has the steps to add a recipe and a network.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gromega.conditions import Box
from gromega.crystals.generate.variants import Changes
from gromega.defects import NO_DEFECTS, Defects
from gromega.params import Train

# JAX and Optax take a second to import: a check of a recipe's name does without them.
if TYPE_CHECKING:
    import optax

# Muon is meant for hidden layers: the first and the last layer are trained by AdamW.
_NOT_BY_MUON = ("stem", "last")
# The learning rate of AdamW beside Muon, relative to that of Muon.
_ADAM_SHARE = 0.15


@dataclass(frozen=True)
class Recipe:
    """A named way to train."""

    network: dict[str, Any]  # the name and the arguments, as for `make_network`
    batch: int
    learning_rate: float  # the highest one
    # The decay k of the rate, exp(-k epoch). If None, the rate rises for one epoch,
    # from a twentieth, and then falls to zero along a cosine.
    decay: float | None = None
    # Whether the rate stays at its highest, and the result is a moving average of the
    # weights.
    constant: bool = False
    l2: float = 0.0  # the weight in the loss of the sum of all squared kernels
    weight_decay: float = 0.0  # decoupled, of AdamW; 0 is Adam
    balanced: bool = False  # whether a class i has the weight N_train / N_i in the loss
    stretch: float = 0.0  # the largest isotropic strain, at random in every batch
    # Muon (Jordan et al., 2024), whose steps are orthogonal matrices, trains matrices
    # and kernels; AdamW trains all other parameters.
    muon: bool = False
    # The size of the changes from training crystals to their variants; if None, the
    # training uses the PDFs of the lake.
    variants: Changes | None = None
    box: Box | None = None  # of the conditions of variants; the reference if None
    # The largest defects of the PDFs of variants, each in a fifth of them. The form
    # factors and the Uiso of elements are in `variants`.
    defects: Defects = NO_DEFECTS
    augmentation: bool = False  # variants of data/augmentation.parquet too
    # The weight in the loss of -log p of the structure type, whose classes the network
    # then has; 0 for space groups as classes.
    type_weight: float = 0.0
    # The number of conditions, the reference first, at which the training crystals are
    # embedded as nearest neighbours, for each radiation of their variants; 0 for none.
    neighbours: int = 0

    @property
    def in_parts(self) -> bool:
        """Whether a training can go on after its last epoch.

        The learning rate does not depend on the number of epochs then.
        """
        return self.constant or self.decay is not None

    def schedule(self, epochs: int, steps: int) -> "optax.Schedule":
        """Return the learning rate by step, for numbers of epochs and of steps."""
        import optax

        if self.constant:
            low, high = self.learning_rate / 20, self.learning_rate
            return optax.linear_schedule(low, high, transition_steps=steps)
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

    def optimizer(self, epochs: int, steps: int) -> "optax.GradientTransformation":
        """Return the optimizer, for the arguments of `schedule`."""
        import optax

        schedule = self.schedule(epochs, steps)
        if self.muon:
            from gromega.training.muon import muon

            def adam_rate(step: Any) -> Any:
                return _ADAM_SHARE * schedule(step)

            both = muon(schedule, adam_rate, self.weight_decay, _NOT_BY_MUON)
            return optax.chain(optax.clip_by_global_norm(1.0), both)
        if self.weight_decay:
            return optax.adamw(schedule, weight_decay=self.weight_decay)
        return optax.adam(schedule)


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
    variants=Changes(keep=0.5, orbits=0.5, uiso=0.005, other_radiation=0.2, q=12.0),
    box=Box(),
    defects=Defects(second_phase=0.4, wave=0.4, counting_noise=0.3),
    augmentation=True,
    type_weight=0.5,
    neighbours=4,
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
    # Variants of all crystals, at conditions from the whole box.
    "robust": _ROBUST,
    # The same at the reference alone, to measure the cost of robustness there.
    "robust-at-reference": replace(
        _ROBUST,
        box=None,
        defects=NO_DEFECTS,
        variants=Changes(keep=0.5, orbits=0.5, uiso=0.0, other_radiation=0.0),
        neighbours=1,
    ),
    # Liu et al. (2019) as Lan et al. trained it, 160 epochs.
    "paper": _PAPER,
    # One of its three towers: a third of the time.
    "paper-one-tower": replace(_PAPER, network={"name": "liu", "towers": 1}),
}


def get_recipe(name: str) -> Recipe:
    """Return the recipe of a name; a ValueError if there is none."""
    if name not in RECIPES:
        raise ValueError(
            f"there is no recipe {name!r}; use one of {', '.join(RECIPES)}."
        )
    return RECIPES[name]


def recipe_of(train: Train) -> Recipe:
    """Return the recipe of parameters, with their learning rate and schedule.

    A ValueError is raised if there is none, or if its own schedule is not to change.
    """
    recipe, constant = get_recipe(train.recipe), train.schedule == "constant"
    if constant and recipe.decay is not None:
        raise ValueError(
            f"the recipe {train.recipe!r} has the schedule of the paper; set "
            "train.schedule to falling."
        )
    rate = train.rate * recipe.learning_rate
    return replace(recipe, learning_rate=rate, constant=constant)
