"""The defects of real data, beside the conditions that a measurement states."""

from dataclasses import dataclass, field, fields
from typing import Any

from gromega.conditions import QUANTITIES, Quantity

FORM_FACTORS = ("constant", "exact")


def _defect(default: Any, *args: Any, **bounds: Any) -> Any:
    return field(default=default, metadata={"quantity": Quantity(*args, **bounds)})


@dataclass(frozen=True)
class Defects:
    """What a measured PDF has and a simulated one lacks; by default nothing.

    Nobody can state these for a measurement, so they are no conditions.

    Parameters
    ----------
    second_phase
        The share s of another crystal, by r.m.s.: G = (1 - s) G₁ + s G₂, both of the
        same r.m.s.
    wave
        The r.m.s. of slow waves of a wrong background, divided by that of G(r).
    counting_noise
        The r.m.s. of noise in G(r), divided by that of G(r). In F(Q) it grows as
        Q/f(Q), the noise of counted x-ray photons.
    uiso_spread
        The range in Å² of the excess of Uiso that each element has over that of the
        conditions. One element has none.
    form_factors
        The x-ray form factors: ``"constant"``, f(0), or ``"exact"``, f(Q).

    Raises
    ------
    ValueError
        If a value is not allowed.
    """

    second_phase: float = _defect(
        0.0, "second phase", "share of a second phase", "",
        "The share of another crystal, by r.m.s.", high=1.0,
    )  # fmt: skip
    wave: float = _defect(
        0.0, "wave", "waves over signal", "",
        "The r.m.s. of slow background waves divided by the r.m.s. of G(r).",
    )  # fmt: skip
    counting_noise: float = _defect(
        0.0, "counting noise", "counting noise over signal", "",
        "The r.m.s. of noise that grows as Q/f(Q) divided by the r.m.s. of G(r).",
    )  # fmt: skip
    uiso_spread: float = _defect(
        0.0, "spread of Uiso", r"range of $U_\mathrm{iso}$", "Å²",
        "The range of the excess Uiso of the elements.",
    )  # fmt: skip
    form_factors: str = _defect(
        "constant", "form factors", "x-ray form factors", "",
        "The x-ray form factors: constant, f(0), or exact, f(Q).", choices=FORM_FACTORS,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, quantity in DEFECTS.items():
            value = quantity.checked(name, getattr(self, name))
            object.__setattr__(self, name, value)


DEFECTS: dict[str, Quantity] = {
    each.name: each.metadata["quantity"] for each in fields(Defects)
}
"""The quantity of each defect, by its name."""
ALL_QUANTITIES = QUANTITIES | DEFECTS
"""The quantity of each condition and defect, by its name."""
NO_DEFECTS = Defects()
