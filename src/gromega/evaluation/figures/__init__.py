"""Figures of crystals, accuracies, confusions and confidence."""
