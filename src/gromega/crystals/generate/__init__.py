"""Generated crystals: synthetic ones, and variants of known ones."""
