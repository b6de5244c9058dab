"""Tools without crystallography: files, progress, parallel calls, plots."""
