"""Numbers and lists as sentences have them."""

from collections.abc import Sequence

TIMES = "\N{MULTIPLICATION SIGN}"


def large(count: int) -> str:
    """A count in words: ``950``, ``402 thousand``, ``27.6 million``."""
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        # 999,600 is a million, not a thousand thousand.
        if count >= 0.9995 * size:
            value = count / size
            return f"{value:.{0 if value >= 99.95 else 1}f} {name}".replace(".0 ", " ")
    return f"{count:,}"


def duration(seconds: float) -> str:
    """A time: ``0.4 s``, ``48 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(round(whole / 60), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 image``, ``1,332 images``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shape(sides: tuple[int, ...]) -> str:
    """An array's shape, with multiplication signs: 16 x 32 x 32."""
    return f" {TIMES} ".join(f"{side:,}" for side in sides)


def percent(share: float, decimals: int = 1, *, unit: bool = True) -> str:
    """A share of 0..1 as people read it: ``57.7%``, and never 0% or 100% where it is not."""
    while 0 < share < 1 and decimals < 6 and float(f"{100 * share:.{decimals}f}") in (0, 100):
        decimals += 1
    return f"{100 * share:.{decimals}f}{'%' if unit else ''}"


def listed(items: Sequence[str], most: int = 5) -> str:
    """Items as a sentence lists them; those over `most` are only counted."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most:,} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def photos(count: int) -> str:
    """A number of photos."""
    return counted(count, "photo")
