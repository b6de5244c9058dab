"""Training: recipes, inputs, the step and the loop."""
