"""From facts to figures and one HTML file."""
