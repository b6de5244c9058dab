"""Measured PDFs in: a file becomes a `MeasuredPDF`."""
