"""The networks: from G(r) to log-probabilities of space groups, in Flax and NumPy."""
