"""Crystals: the type, tables of them, and their symmetry."""
