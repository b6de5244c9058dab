"""Crystals: the type, where they come from, and their space groups."""
