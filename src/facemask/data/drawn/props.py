"""Things that are held or hang near the mouth without being worn over it."""

from collections.abc import Callable

import numpy as np

from facemask.data.drawn.chance import Weighted, bell, between, happens, one_of, pick
from facemask.data.drawn.colours import Colour, fabric_colour, mix, shaded
from facemask.data.drawn.person import Person
from facemask.data.drawn.shapes import Points, capsule, circle_points, closed_curve, ellipse, points
from facemask.data.drawn.sketch import Pose, Sketch, make_pose

Prop = Callable[[Pose, Person, np.random.Generator], list[Sketch]]


def draw_prop(head: Pose, person: Person, rng: np.random.Generator, label: int) -> list[Sketch]:
    """Something held near the face, or nothing.

    Before a bare mouth it may hide the mouth; with a cover on, hands and microphones still
    come near, so that a hand alone tells nothing.
    """
    table = _BEFORE_MASK if label else _BEFORE_MOUTH
    return pick(rng, table)(head, person, rng)


def _nothing(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    return []


def _held(head: Pose, at: tuple[float, float, float], angle: float, size: float = 1.0) -> Sketch:
    """A sketch whose origin is a point before the head, upright but for `angle` (radians)."""
    return Sketch(make_pose(0.0, 0.0, angle, head.scale_px * size, head.place(*at)))


def _draw_hand(sketch: Sketch, skin: Colour, sleeve: Colour, rng: np.random.Generator) -> None:
    """A hand from behind, fingers up, its palm around the origin."""
    tone = shaded(skin, between(rng, 0.8, 1.05))
    crease = shaded(tone, 0.5)
    sketch.fill(points((-0.36, 0.4), (0.36, 0.4), (0.5, 6.0), (-0.5, 6.0)), tone, depth=0.0)
    start = between(rng, 1.0, 3.0)
    sketch.fill(points((-0.5, start), (0.5, start), (0.8, 6.0), (-0.8, 6.0)), sleeve, depth=0.0)
    palm = closed_curve(
        points((-0.52, -0.35), (0.0, -0.45), (0.52, -0.35), (0.5, 0.3), (0.3, 0.62), (-0.3, 0.62),
               (-0.52, 0.3)), 3
    )  # fmt: skip
    sketch.fill(palm, tone, depth=0.0)
    spread = between(rng, 0.0, 0.12)
    lengths = (0.75, 0.95, 1.0, 0.85)
    for index, length in enumerate(lengths):
        x = -0.39 + 0.26 * index
        tip = (x + (index - 1.5) * spread, -0.3 - length * between(rng, 0.85, 1.0))
        sketch.fill(capsule((x, -0.2), tip, 0.145), crease, depth=0.0)
        sketch.fill(capsule((x, -0.2), tip, 0.12), tone, depth=0.0)
    thumb = (-0.85, between(rng, -0.55, 0.0))
    sketch.fill(capsule((-0.4, 0.25), thumb, 0.17), crease, depth=0.0)
    sketch.fill(capsule((-0.4, 0.25), thumb, 0.145), tone, depth=0.0)


def _hand_on_mouth(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    side = one_of(rng, (-1.0, 1.0))
    angle = head.roll * 0.6 - side * between(rng, 0.5, 1.4)
    at = (side * between(rng, 0.0, 0.3), between(rng, 1.1, 1.35), 1.0)
    sketch = _held(head, at, angle, between(rng, 0.6, 0.85))
    _draw_hand(sketch, person.skin, fabric_colour(rng), rng)
    return [sketch]


def _hand_at_cheek(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    side = one_of(rng, (-1.0, 1.0))
    at = (side * between(rng, 0.8, 1.1), between(rng, 1.0, 1.6), 0.6)
    sketch = _held(head, at, head.roll * 0.6 - side * between(rng, -0.3, 0.5), 0.85)
    _draw_hand(sketch, person.skin, fabric_colour(rng), rng)
    return [sketch]


def _draw_grip(sketch: Sketch, skin: Colour, half_width: float, y: float, side: float) -> None:
    """Four fingers around something upright at the origin, and the wrist."""
    tone, crease = shaded(skin, 0.95), shaded(skin, 0.62)
    wrist = points((half_width, y), (half_width + 0.35, y), (2.2, 6.0), (1.2, 6.0)) * (side, 1.0)
    sketch.fill(wrist, tone, depth=0.0)
    for index in range(4):
        height = y + 0.2 * (index - 1.0)
        start = (side * (half_width + 0.15), height)
        end = (-side * half_width * 0.6, height + 0.04)
        sketch.fill(capsule(start, end, 0.125), crease, depth=0.0)
        sketch.fill(capsule(start, end, 0.1), tone, depth=0.0)


def _cup(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    return [_cup_at(head, person, rng, between(rng, 0.86, 1.1))]


def _low_cup(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    return [_cup_at(head, person, rng, between(rng, 1.9, 2.3))]


def _cup_at(head: Pose, person: Person, rng: np.random.Generator, top_y: float) -> Sketch:
    """A mug or paper cup with its rim at this height of the face, in a hand."""
    side = one_of(rng, (-1.0, 1.0))
    sketch = _held(head, (bell(rng, 0.08, 0.15), top_y, 1.0), head.roll * 0.7)
    width, height = between(rng, 0.38, 0.68), between(rng, 0.8, 1.4)
    taper = between(rng, 0.7, 1.0)
    colour = fabric_colour(rng)
    if happens(rng, 0.4):
        ring = circle_points(12) * (0.26, 0.3) + (-side * width, height * 0.5)
        sketch.line(np.concatenate([ring, ring[:1]]), shaded(colour, 0.8), 0.12, depth=0.0)
    body = points((-width, 0.0), (width, 0.0), (width * taper, height), (-width * taper, height))
    sketch.fill(body, colour, depth=0.0)
    dark_side = points(
        (width * 0.45, 0.0), (width, 0.0), (width * taper, height), (width * 0.4, height)
    )
    sketch.fill(dark_side * (side, 1.0), shaded(colour, 0.84), depth=0.0)
    rim = mix(colour, (255, 255, 255), 0.5) if happens(rng, 0.5) else shaded(colour, 0.65)
    sketch.fill(ellipse(0.0, 0.0, width, 0.1), rim, depth=0.0)
    if happens(rng, 0.4):
        sketch.fill(
            ellipse(0.0, height * 0.5, width * 0.5, width * 0.5), fabric_colour(rng), depth=0.0
        )
    _draw_grip(sketch, person.skin, width, height * 0.6, side)
    return sketch


def _microphone(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    at = (bell(rng, 0.2, 0.4), between(rng, 1.15, 1.5), 1.15)
    sketch = _held(head, at, between(rng, -0.6, 0.6))
    grey = int(between(rng, 24, 110))
    head_colour = one_of(rng, ((grey, grey, grey + 4), fabric_colour(rng)))
    radius = between(rng, 0.22, 0.36)
    sketch.fill(points((-0.13, 0.1), (0.13, 0.1), (0.1, 4.0), (-0.1, 4.0)), (26, 26, 28), depth=0.0)
    sketch.fill(ellipse(0.0, 0.0, radius, radius * 1.15), head_colour, depth=0.0)
    sketch.fill(ellipse(-0.08, -0.1, 0.1, 0.1), mix(head_colour, (255, 255, 255), 0.3), depth=0.0)
    _draw_grip(sketch, person.skin, 0.14, 1.2, one_of(rng, (-1.0, 1.0)))
    return [sketch]


def _phone(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    side = one_of(rng, (-1.0, 1.0))
    sketch = _held(head, (side * 1.0, 0.5, 0.3), side * between(rng, 0.0, 0.4) + head.roll)
    colour = one_of(rng, ((24, 24, 28), (210, 210, 214), fabric_colour(rng)))
    body: Points = points((-0.25, -0.7), (0.25, -0.7), (0.25, 0.8), (-0.25, 0.8))
    sketch.fill(body, colour, depth=0.0)
    _draw_grip(sketch, person.skin, 0.25, 0.2, side)
    return [sketch]


def _food(head: Pose, person: Person, rng: np.random.Generator) -> list[Sketch]:
    """A sandwich, an apple or an ice cream at the mouth."""
    side = one_of(rng, (-1.0, 1.0))
    sketch = _held(head, (bell(rng, 0.1, 0.2), between(rng, 1.1, 1.25), 1.05), bell(rng, 0.3, 0.6))
    colour = one_of(rng, ((206, 150, 84), (188, 40, 40), (240, 226, 200), (120, 170, 60)))
    radius = between(rng, 0.25, 0.4)
    sketch.fill(ellipse(0.0, 0.0, radius * 1.2, radius), colour, depth=0.0)
    sketch.fill(ellipse(-0.1, -0.08, radius * 0.5, radius * 0.4), shaded(colour, 1.15), depth=0.0)
    _draw_grip(sketch, person.skin, radius, radius + 0.3, side)
    return [sketch]


_BEFORE_MOUTH = Weighted[Prop](
    (_nothing, 80), (_hand_on_mouth, 3), (_hand_at_cheek, 4), (_cup, 5), (_microphone, 3),
    (_phone, 3), (_food, 2),
)  # fmt: skip
_BEFORE_MASK = Weighted[Prop](
    (_nothing, 83), (_hand_on_mouth, 1), (_hand_at_cheek, 7), (_low_cup, 3), (_microphone, 3),
    (_phone, 3),
)  # fmt: skip
