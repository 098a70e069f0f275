"""What is in the photos, and what is wrong with them."""

CHECK_TITLES = {
    "duplicates": "Duplicates",
    "leakage": "Leakage",
    "conflicts": "Conflicts",
    "shortcuts": "Shortcuts",
    "suspects": "Suspicious labels",
    "outliers": "Outliers",
}
"""What an audit checks, by the name that `--fail-on` takes."""

CHECKS = tuple(CHECK_TITLES)
