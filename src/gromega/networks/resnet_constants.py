"""Numbers that `resnet` and its NumPy copy share, free of imports."""

WINDOW = 33
"""Points over which the local size of G(r) is taken: 4.5 Å."""
NORM_GROUPS = 8
"""The groups of channels that are normalised together."""
TINY = 1e-30
"""The least probability of a space group."""
