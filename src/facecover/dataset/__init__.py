"""From rows to a manifest and arrays, and back."""

MAX_UNREADABLE_SHARE = 0.05
"""More photos that cannot be read are an error, unless a caller says otherwise."""

PREPARED_SIZES_PX = (32, 64, 96)
"""The sides of the squares that `prepare` keeps: the inputs of every model in the package."""

MEASURE_SIZE_PX = 64
"""The size at which pixels are measured, so that photos of every size compare; always kept."""

DEFAULT_VAL_SHARE, DEFAULT_TEST_SHARE = 0.1, 0.2
