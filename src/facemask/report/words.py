"""Counts, sizes and times as people read them in a report."""

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
