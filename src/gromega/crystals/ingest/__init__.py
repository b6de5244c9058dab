"""Ingest: collections of structure files in, a table and a quarantine out."""
