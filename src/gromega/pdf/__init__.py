"""PDFs: from crystals, by way of pair spectra, to G(r) at any conditions."""
