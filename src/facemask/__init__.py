"""Is this face covered? Face-mask data, networks and evaluation."""

__version__ = "0.1.0"
