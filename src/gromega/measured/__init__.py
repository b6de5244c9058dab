"""Measured PDFs: read from files, checked, and resampled for the network."""
