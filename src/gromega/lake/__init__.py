"""The data lake: Zarr stores of pair spectra, PDFs and predictions; the split."""
