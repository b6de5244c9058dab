"""The model: what is released, and what it predicts."""
