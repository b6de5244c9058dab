"""Released models: cards, releases, the list."""
