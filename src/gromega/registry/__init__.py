"""Released models: cards, releases and the list of models."""
