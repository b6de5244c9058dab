"""Crystals made: synthetic ones, and variants of known ones."""
