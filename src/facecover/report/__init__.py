"""From facts to figures and one HTML file."""

REPORT_NAME = "report.html"
"""The page in a folder of results."""
