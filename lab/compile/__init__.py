"""Pure functions from the model to text that the kernel's own tools understand. Nothing here needs root."""
