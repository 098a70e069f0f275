"""From rows to a manifest and arrays, and back."""

MAX_UNREADABLE_SHARE = 0.05
"""More photos that cannot be read are an error, unless a caller says otherwise."""

DEFAULT_VAL_SHARE, DEFAULT_TEST_SHARE = 0.1, 0.2
