"""The networks, in Flax and in NumPy."""
