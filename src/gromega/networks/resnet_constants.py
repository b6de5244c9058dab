"""Numbers that `resnet` and its NumPy copy share, free of imports."""

WINDOW = 33
"""The window of the local r.m.s. of G(r), in grid points: 4.5 Å."""
NORM_GROUPS = 8
"""The number of channel groups of GroupNorm."""
TINY = 1e-30
"""The lowest probability of a space group."""
