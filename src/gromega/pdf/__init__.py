"""Simulated PDFs: pair spectra of crystals, and G(r) at any conditions from them."""
