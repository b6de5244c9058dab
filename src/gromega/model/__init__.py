"""The model: its numerics, its files, and its predictions."""
