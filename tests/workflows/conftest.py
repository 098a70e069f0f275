"""What the tests of this room share with others."""

from tests.inference.conftest import write_model

__all__ = ["write_model"]
