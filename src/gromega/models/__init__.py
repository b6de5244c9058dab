"""Models: networks, recipes to train them, and the trained model on disk."""
