"""From photos to a dataset: merged, corrected, chosen, split."""
