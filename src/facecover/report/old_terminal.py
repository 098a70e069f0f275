"""A network's layer table for the terminal."""
