"""Tools that know nothing of crystals: files, progress, processes, figures."""
