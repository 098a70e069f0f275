"""What can be counted and measured of a table of samples, one kind of fact a file."""
