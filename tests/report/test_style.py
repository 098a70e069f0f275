import pytest

from facecover.labels import CLASS_NAMES
from facecover.report.plotting import (
    COLOURS,
    class_colour,
    css_variables,
    model_colour,
    with_variables,
)


def _luminance(hex_colour: str) -> float:
    """Relative luminance as in WCAG 2.2."""
    channels = [int(hex_colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("form", ["light", "dark"])
@pytest.mark.parametrize("behind", ["surface", "ground"])
def test_text_and_lines_stand_out(form: str, behind: str) -> None:
    ground = getattr(COLOURS[behind], form)
    for name, value in COLOURS.items():
        if name in ("line", "surface", "ground"):
            continue
        wanted = 4.5 if name in ("ink", "muted", "accent", "warning") else 3
        assert _contrast(getattr(value, form), ground) >= wanted, name


def test_no_two_colours_are_one() -> None:
    for form in ("light", "dark"):
        values = [getattr(value, form) for value in COLOURS.values()]
        assert len(set(values)) == len(values)
        assert all(len(value) == 7 and value == value.lower() for value in values)


def test_every_class_and_model_has_a_colour() -> None:
    assert [class_colour(name) for name in CLASS_NAMES] == list(CLASS_NAMES)
    assert class_colour("something else") in COLOURS
    assert all(model_colour(position) in COLOURS for position in range(12))
    assert len({model_colour(position) for position in range(5)}) == 5


def test_variables_have_every_colour_in_both_forms() -> None:
    variables = css_variables()
    assert variables["light"].keys() == variables["dark"].keys()
    assert variables["light"]["--no-mask"] == COLOURS["no_mask"].light
    assert with_variables(f"fill: {COLOURS['no_mask'].light}") == "fill: var(--no-mask)"
