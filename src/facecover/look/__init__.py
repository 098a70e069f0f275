"""What is in the photos, and what is wrong with them."""

CHECKS = ("duplicates", "leakage", "conflicts", "shortcuts", "suspects", "outliers")
"""What can be checked, and named to `--fail-on`."""
