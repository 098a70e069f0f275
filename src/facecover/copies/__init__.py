"""Which photos show the same picture, or the same person."""
