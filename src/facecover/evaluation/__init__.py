"""From answers and labels to facts."""

RESAMPLES = 1000
"""Of the bootstrap."""

MIN_SLICE = 50
"""With fewer images the 95% interval of an accuracy near 90% is about 18 points wide or wider
(Wilson, n = 50); such a slice says little of the model."""
