"""Databases on the web that crystals are fetched from: OPTIMADE, Materials Project."""
