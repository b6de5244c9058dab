"""The web page and its HTTP interface: predictions for measured PDFs."""
