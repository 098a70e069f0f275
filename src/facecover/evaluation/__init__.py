"""From answers and labels to facts."""
