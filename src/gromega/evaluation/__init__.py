"""Evaluation: how accurate a model is, at the reference and along the axes."""
