"""A calibration for known and for new structure types."""

from gromega.model.familiarity import Case, FamiliarityFit

FIT = FamiliarityFit(
    Case(0.4, 0.8, {"0.90": 0.5, "0.95": 0.6}),
    Case(0.1, 2.0, {"0.90": 0.97, "0.95": 0.99}),
    {"0.90": 0.8, "0.95": 0.9},
    (-1.0, -0.5, 0.3, -0.2),
    0.19,
    600,
)
