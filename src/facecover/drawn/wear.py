"""What covers the mouth, glasses, and what is held before the face without being worn."""

from collections.abc import Callable

import numpy as np

from facecover.drawn.clothes import Patch, fabric_colour, fold, print_pattern
from facecover.drawn.face import EYE_X
from facecover.drawn.person import Person
from facecover.drawn.sketch import (
    Colour,
    Points,
    Pose,
    Random,
    Sketch,
    Weighted,
    capsule,
    circle_points,
    closed_curve,
    ellipse,
    make_pose,
    mix,
    open_curve,
    points,
    shaded,
    surface_depth,
)

_EDGE_POINTS = 13
_APART = 130
"""Sum over the channels of the difference between skin and cloth that is easily seen."""

_ACROSS = np.linspace(-1.0, 1.0, _EDGE_POINTS)
_RIDGE = np.exp(-((_ACROSS / 0.4) ** 2))
_BOW = 1.0 - np.abs(_ACROSS) ** 2.2
_SURGICAL = Weighted[Colour](
    ((158, 200, 224), 8), ((196, 218, 226), 4), ((240, 240, 240), 7), ((154, 204, 184), 2),
    ((40, 40, 44), 6), ((204, 64, 54), 5), ((228, 152, 64), 5), ((104, 52, 44), 4),
    ((232, 176, 190), 4), ((206, 190, 222), 2), ((226, 196, 168), 2),
    ((176, 128, 98), 1), ((122, 80, 58), 2),
)  # fmt: skip

_RESPIRATOR = Weighted[Colour](
    ((240, 238, 232), 5), ((206, 206, 204), 2), ((52, 54, 58), 3), ((224, 200, 172), 3),
    ((168, 128, 100), 2), ((236, 180, 110), 2), ((214, 104, 56), 2),
)  # fmt: skip


def draw_cover(sketch: Sketch, person: Person, rng: Random) -> None:
    """One worn cover, drawn at random; a niqab only with the head covered too."""
    rng.pick(_WITH_HIJAB if person.headwear == "hijab" else _COVERS)(sketch, person, rng)


def _apart_from(skin: Colour, draw_colour: Callable[[Random], Colour], rng: Random) -> Colour:
    """A colour that mostly, but not always, can be told from the skin."""
    colour = draw_colour(rng)
    for _ in range(2):
        difference = sum(abs(a - b) for a, b in zip(colour, skin, strict=True))
        if difference > _APART or rng.happens(0.12):
            break
        colour = draw_colour(rng)
    return colour


def _edge(half_width: float, y_side: float, y_middle: float, shape: Points) -> Points:
    """An edge from left to right that rises or falls from the sides to the middle."""
    return np.stack([_ACROSS * half_width, y_side + (y_middle - y_side) * shape], axis=1)


def _mask_patch(person: Person, rng: Random, half_width: float, lower: float, lift: float) -> Patch:
    """The piece that a face mask covers, from the bridge of the nose to under the chin."""
    width = half_width * rng.between(0.95, 1.05)
    top = _edge(width, rng.between(0.36, 0.56), rng.between(0.16, 0.46), _RIDGE)
    bottom = _edge(
        width * rng.between(0.86, 0.98), lower, rng.between(1.52, 1.7) * person.chin, _BOW
    )
    return Patch(top, bottom, lift)


def _draw_straps(sketch: Sketch, patch: Patch, colour: Colour) -> None:
    """Two bands on each side that is in sight, from the corners to the ear."""
    for side, index in ((-1.0, 0), (1.0, _EDGE_POINTS - 1)):
        if side * sketch.pose.yaw > 0.3:
            continue
        for corner, ear_y in ((patch.top[index], -0.06), (patch.bottom[index], 0.36)):
            strap = np.stack([corner, (side * 1.06, ear_y)])
            depth = np.array([surface_depth(corner[None])[0] + patch.lift, -0.08])
            sketch.line(strap, colour, 0.04, depth=depth)


def _draw_rim(sketch: Sketch, patch: Patch, ground: Colour) -> None:
    outline = patch.band(0.0, 1.0)
    sketch.line(
        np.concatenate([outline, outline[:1]]), shaded(ground, 0.72), 0.045, lift=patch.lift
    )


def _surgical(sketch: Sketch, person: Person, rng: Random) -> None:
    colour = _apart_from(
        person.skin, lambda rng: shaded(rng.pick(_SURGICAL), rng.between(0.9, 1.05)), rng
    )
    patch = _mask_patch(person, rng, 0.86, rng.between(0.98, 1.12), 0.12)
    _draw_straps(sketch, patch, mix(colour, (235, 235, 235), 0.6))
    patch.fill(sketch, colour)
    patch.fill(sketch, shaded(colour, 0.9), patch.band(0.72, 1.0))
    if rng.happens(0.08):
        print_pattern(sketch, patch, colour, rng)
    fold(sketch, patch, rng.one_of(((0.35, 0.5, 0.66), (0.4, 0.6), (0.3, 0.45, 0.6, 0.75))), colour)
    patch.fill(sketch, shaded(colour, 1.08), patch.band(0.0, 0.07))
    _draw_rim(sketch, patch, colour)


def _cloth(sketch: Sketch, person: Person, rng: Random) -> None:
    colour = _apart_from(person.skin, fabric_colour, rng)
    if rng.happens(0.06):
        colour = mix(person.skin, colour, rng.between(0.0, 0.3))
    patch = _mask_patch(person, rng, 0.88, rng.between(0.95, 1.15), 0.12)
    _draw_straps(sketch, patch, rng.one_of((colour, (30, 30, 32), (235, 235, 232))))
    patch.fill(sketch, colour)
    if rng.happens(0.35):
        print_pattern(sketch, patch, colour, rng)
    if rng.happens(0.6):
        middle = _EDGE_POINTS // 2
        seam = np.stack([patch.top[middle], patch.bottom[middle]])
        sketch.line(seam, shaded(colour, 0.7), 0.04, lift=0.2)
    _draw_rim(sketch, patch, colour)


def _n95(sketch: Sketch, person: Person, rng: Random) -> None:
    colour = _apart_from(
        person.skin, lambda rng: shaded(rng.pick(_RESPIRATOR), rng.between(0.92, 1.04)), rng
    )
    patch = _mask_patch(person, rng, 0.78, rng.between(1.0, 1.12), 0.3)
    band = rng.one_of(((238, 236, 230), (232, 190, 60), (40, 40, 42)))
    for side in (-1.0, 1.0):
        if side * sketch.pose.yaw < 0.4:
            strap = points((0.7, 0.6), (1.02, 0.1), (1.0, -0.5)) * (side, 1.0)
            sketch.line(strap, band, 0.06, depth=np.array([0.45, 0.05, -0.1]))
    patch.fill(sketch, shaded(colour, 0.93))
    half = Patch(patch.row(0.08) * (0.86, 1.0), patch.row(0.72) * (0.8, 1.0), 0.36)
    half.fill(sketch, colour)
    nose = points((-0.22, 0.5), (0.0, 0.36), (0.22, 0.5))
    sketch.line(nose, (168, 170, 174), 0.07, lift=0.34)
    if rng.happens(0.5):
        x = rng.between(-0.3, 0.3)
        sketch.fill(ellipse(x, 1.02, 0.19, 0.17), shaded(colour, 0.72), lift=0.4)
        sketch.fill(
            ellipse(x, 1.0, 0.15, 0.13), rng.one_of(((236, 236, 234), (60, 60, 64))), lift=0.42
        )
    else:
        sketch.line(patch.row(0.55), shaded(colour, 0.75), 0.05, lift=0.36)
    _draw_rim(sketch, patch, colour)


def _half_mask(sketch: Sketch, person: Person, rng: Random) -> None:
    """A rubber respirator with two filters."""
    rubber = rng.one_of(((62, 64, 70), (40, 40, 44), (150, 152, 156), (92, 104, 128)))
    patch = _mask_patch(person, rng, 0.66, 1.1, 0.25)
    for side in (-1.0, 1.0):
        if side * sketch.pose.yaw < 0.4:
            strap = points((0.6, 0.7), (1.02, 0.3)) * (side, 1.0)
            sketch.line(strap, (30, 30, 32), 0.09, depth=np.array([0.5, 0.0]))
    patch.fill(sketch, rubber)
    sketch.fill(ellipse(0.0, 1.05, 0.24, 0.24), shaded(rubber, 0.7), lift=0.4)
    filters = rng.one_of(((208, 70, 120), (226, 224, 218), (120, 120, 124), (214, 178, 70)))
    for side in (-1.0, 1.0):
        sketch.fill(ellipse(side * 0.62, 1.05, 0.33, 0.33), shaded(filters, 0.75), lift=0.3)
        sketch.fill(ellipse(side * 0.62, 1.03, 0.27, 0.27), filters, lift=0.36)


def _scarf(sketch: Sketch, person: Person, rng: Random) -> None:
    colour = _apart_from(person.skin, fabric_colour, rng)
    top = _edge(rng.between(0.98, 1.1), rng.between(0.3, 0.65), rng.between(0.2, 0.5), _BOW)
    top += rng.uniform(-0.03, 0.03, top.shape)
    bottom = _edge(rng.between(1.2, 1.6), 2.0, rng.between(2.2, 2.7), _BOW)
    patch = Patch(top, bottom, 0.12)
    patch.fill(sketch, colour)
    if rng.happens(0.45):
        print_pattern(sketch, patch, colour, rng)
    tilt = rng.between(-0.12, 0.12) * _ACROSS[:, None] * (0.0, 1.0)
    fold(sketch, Patch(top + tilt, bottom - tilt, 0.16), (0.14, 0.3, 0.5, 0.7), colour)


def _bandana(sketch: Sketch, person: Person, rng: Random) -> None:
    colour = _apart_from(person.skin, fabric_colour, rng)
    top = _edge(1.0, rng.between(0.3, 0.5), rng.between(0.18, 0.45), _RIDGE)
    bottom = _edge(1.0, rng.between(0.75, 1.0), rng.between(1.9, 2.5), 1.0 - np.abs(_ACROSS))
    patch = Patch(top, bottom, 0.1)
    patch.fill(sketch, colour)
    if rng.happens(0.5):
        print_pattern(sketch, patch, colour, rng)
    for x in (-0.35, 0.3):
        crease = open_curve(points((x * 0.6, 0.75), (x, 1.1), (x * 0.8, 1.6)), 2)
        sketch.line(crease, shaded(colour, 0.72), 0.05, lift=0.14)
    _draw_rim(sketch, patch, colour)


def _niqab(sketch: Sketch, person: Person, rng: Random) -> None:
    dark = ((20, 20, 24), (24, 24, 26), (34, 38, 66), (112, 108, 106))
    colour = rng.one_of((*dark, fabric_colour(rng)))
    top = _edge(1.08, rng.between(0.16, 0.3), rng.between(0.14, 0.36), _RIDGE)
    bottom = _edge(rng.between(1.3, 1.6), 2.4, rng.between(2.4, 3.2), _BOW)
    patch = Patch(top, bottom, 0.1)
    patch.fill(sketch, colour)
    hood = closed_curve(
        points((-1.1, -0.3), (-0.6, -0.42), (0.6, -0.42), (1.1, -0.3), (1.12, -0.9), (0.6, -1.6),
               (-0.6, -1.6), (-1.12, -0.9)), 3
    )  # fmt: skip
    sketch.fill(hood, shaded(colour, 0.95), lift=0.05)
    for x in (-0.5, 0.1, 0.55):
        crease = open_curve(points((x * 0.7, 0.6), (x, 1.3), (x * 1.2, 2.1)), 2)
        sketch.line(crease, mix(colour, (140, 140, 140), 0.18), 0.05, lift=0.12)


Cover = Callable[[Sketch, Person, Random], None]
_COVERS = Weighted[Cover](
    (_surgical, 40), (_cloth, 24), (_n95, 14), (_half_mask, 2), (_scarf, 11), (_bandana, 9),
)  # fmt: skip

_WITH_HIJAB = Weighted[Cover]((_niqab, 65), (_surgical, 20), (_cloth, 10), (_n95, 5))
_GLINT = points((-0.08, -0.1), (0.04, -0.12), (-0.06, 0.06))


def draw_glasses(sketch: Sketch, person: Person, rng: Random) -> None:
    """Glasses or sunglasses, over whatever covers the nose."""
    if person.glasses == "none":
        return
    usual = ((20, 20, 22), (70, 46, 34), (160, 160, 166), (176, 140, 70))
    frame = rng.one_of((*usual, fabric_colour(rng)))
    width, height = rng.between(0.24, 0.34), rng.between(0.18, 0.3)
    thickness = rng.between(0.03, 0.08)
    is_dark = person.glasses == "sunglasses"
    tint = rng.one_of(((18, 18, 22), (48, 32, 26), (34, 44, 60)))
    for side in (-1.0, 1.0):
        lens = ellipse(side * EYE_X, 0.04, width, height)
        if is_dark:
            sketch.fill(lens, tint, lift=0.2)
            glint = np.add(_GLINT, (side * EYE_X, 0.02))
            sketch.fill(glint, mix(tint, (255, 255, 255), 0.3), lift=0.21)
        sketch.line(np.concatenate([lens, lens[:1]]), frame, thickness, lift=0.2)
        if side * sketch.pose.yaw < 0.5:
            temple = np.array([[EYE_X + width, 0.0], [1.04, -0.02]]) * (side, 1.0)
            sketch.line(temple, frame, thickness, depth=np.array([0.62, -0.1]))
    bridge = open_curve(points((-EYE_X + width, 0.03), (0.0, -0.03), (EYE_X - width, 0.03)), 2)
    sketch.line(bridge, frame, thickness, lift=0.2)


Prop = Callable[[Pose, Person, Random], list[Sketch]]


def draw_prop(head: Pose, person: Person, rng: Random, label: int) -> list[Sketch]:
    """Something held near the face, or nothing.

    Before a bare mouth it may hide the mouth; with a cover on, hands and microphones still
    come near, so that a hand alone tells nothing.
    """
    table = _BEFORE_MASK if label else _BEFORE_MOUTH
    return rng.pick(table)(head, person, rng)


def _nothing(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    return []


def _held(head: Pose, at: tuple[float, float, float], angle: float, size: float = 1.0) -> Sketch:
    """A sketch whose origin is a point before the head, upright but for `angle` (radians)."""
    return Sketch(make_pose(0.0, 0.0, angle, head.scale_px * size, head.place(*at)), depth=0.0)


def _draw_hand(sketch: Sketch, skin: Colour, sleeve: Colour, rng: Random) -> None:
    """A hand from behind, fingers up, its palm around the origin."""
    tone = shaded(skin, rng.between(0.8, 1.05))
    crease = shaded(tone, 0.5)
    sketch.fill(points((-0.36, 0.4), (0.36, 0.4), (0.5, 6.0), (-0.5, 6.0)), tone)
    start = rng.between(1.0, 3.0)
    sketch.fill(points((-0.5, start), (0.5, start), (0.8, 6.0), (-0.8, 6.0)), sleeve)
    palm = closed_curve(
        points((-0.52, -0.35), (0.0, -0.45), (0.52, -0.35), (0.5, 0.3), (0.3, 0.62), (-0.3, 0.62),
               (-0.52, 0.3)), 3
    )  # fmt: skip
    sketch.fill(palm, tone)
    spread = rng.between(0.0, 0.12)
    lengths = (0.75, 0.95, 1.0, 0.85)
    for index, length in enumerate(lengths):
        x = -0.39 + 0.26 * index
        tip = (x + (index - 1.5) * spread, -0.3 - length * rng.between(0.85, 1.0))
        sketch.fill(capsule((x, -0.2), tip, 0.145), crease)
        sketch.fill(capsule((x, -0.2), tip, 0.12), tone)
    thumb = (-0.85, rng.between(-0.55, 0.0))
    sketch.fill(capsule((-0.4, 0.25), thumb, 0.17), crease)
    sketch.fill(capsule((-0.4, 0.25), thumb, 0.145), tone)


def _hand_on_mouth(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    side = rng.one_of((-1.0, 1.0))
    angle = head.roll * 0.6 - side * rng.between(0.5, 1.4)
    at = (side * rng.between(0.0, 0.3), rng.between(1.1, 1.35), 1.0)
    sketch = _held(head, at, angle, rng.between(0.6, 0.85))
    _draw_hand(sketch, person.skin, fabric_colour(rng), rng)
    return [sketch]


def _hand_at_cheek(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    side = rng.one_of((-1.0, 1.0))
    at = (side * rng.between(0.8, 1.1), rng.between(1.0, 1.6), 0.6)
    sketch = _held(head, at, head.roll * 0.6 - side * rng.between(-0.3, 0.5), 0.85)
    _draw_hand(sketch, person.skin, fabric_colour(rng), rng)
    return [sketch]


def _draw_grip(sketch: Sketch, skin: Colour, half_width: float, y: float, side: float) -> None:
    """Four fingers around something upright at the origin, and the wrist."""
    tone, crease = shaded(skin, 0.95), shaded(skin, 0.62)
    wrist = points((half_width, y), (half_width + 0.35, y), (2.2, 6.0), (1.2, 6.0)) * (side, 1.0)
    sketch.fill(wrist, tone)
    for index in range(4):
        height = y + 0.2 * (index - 1.0)
        start = (side * (half_width + 0.15), height)
        end = (-side * half_width * 0.6, height + 0.04)
        sketch.fill(capsule(start, end, 0.125), crease)
        sketch.fill(capsule(start, end, 0.1), tone)


def _cup(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    return [_cup_at(head, person, rng, rng.between(0.86, 1.1))]


def _low_cup(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    return [_cup_at(head, person, rng, rng.between(1.9, 2.3))]


def _cup_at(head: Pose, person: Person, rng: Random, top_y: float) -> Sketch:
    """A mug or paper cup with its rim at this height of the face, in a hand."""
    side = rng.one_of((-1.0, 1.0))
    sketch = _held(head, (rng.bell(0.08, 0.15), top_y, 1.0), head.roll * 0.7)
    width, height = rng.between(0.38, 0.68), rng.between(0.8, 1.4)
    taper = rng.between(0.7, 1.0)
    colour = fabric_colour(rng)
    if rng.happens(0.4):
        ring = circle_points(12) * (0.26, 0.3) + (-side * width, height * 0.5)
        sketch.line(np.concatenate([ring, ring[:1]]), shaded(colour, 0.8), 0.12)
    body = points((-width, 0.0), (width, 0.0), (width * taper, height), (-width * taper, height))
    sketch.fill(body, colour)
    dark_side = points(
        (width * 0.45, 0.0), (width, 0.0), (width * taper, height), (width * 0.4, height)
    )
    sketch.fill(dark_side * (side, 1.0), shaded(colour, 0.84))
    rim = mix(colour, (255, 255, 255), 0.5) if rng.happens(0.5) else shaded(colour, 0.65)
    sketch.fill(ellipse(0.0, 0.0, width, 0.1), rim)
    if rng.happens(0.4):
        sketch.fill(ellipse(0.0, height * 0.5, width * 0.5, width * 0.5), fabric_colour(rng))
    _draw_grip(sketch, person.skin, width, height * 0.6, side)
    return sketch


def _microphone(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    at = (rng.bell(0.2, 0.4), rng.between(1.15, 1.5), 1.15)
    sketch = _held(head, at, rng.between(-0.6, 0.6))
    grey = int(rng.between(24, 110))
    head_colour = rng.one_of(((grey, grey, grey + 4), fabric_colour(rng)))
    radius = rng.between(0.22, 0.36)
    sketch.fill(points((-0.13, 0.1), (0.13, 0.1), (0.1, 4.0), (-0.1, 4.0)), (26, 26, 28))
    sketch.fill(ellipse(0.0, 0.0, radius, radius * 1.15), head_colour)
    sketch.fill(ellipse(-0.08, -0.1, 0.1, 0.1), mix(head_colour, (255, 255, 255), 0.3))
    _draw_grip(sketch, person.skin, 0.14, 1.2, rng.one_of((-1.0, 1.0)))
    return [sketch]


def _phone(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    side = rng.one_of((-1.0, 1.0))
    sketch = _held(head, (side * 1.0, 0.5, 0.3), side * rng.between(0.0, 0.4) + head.roll)
    colour = rng.one_of(((24, 24, 28), (210, 210, 214), fabric_colour(rng)))
    body: Points = points((-0.25, -0.7), (0.25, -0.7), (0.25, 0.8), (-0.25, 0.8))
    sketch.fill(body, colour)
    _draw_grip(sketch, person.skin, 0.25, 0.2, side)
    return [sketch]


def _food(head: Pose, person: Person, rng: Random) -> list[Sketch]:
    """A sandwich, an apple or an ice cream at the mouth."""
    side = rng.one_of((-1.0, 1.0))
    sketch = _held(head, (rng.bell(0.1, 0.2), rng.between(1.1, 1.25), 1.05), rng.bell(0.3, 0.6))
    colour = rng.one_of(((206, 150, 84), (188, 40, 40), (240, 226, 200), (120, 170, 60)))
    radius = rng.between(0.25, 0.4)
    sketch.fill(ellipse(0.0, 0.0, radius * 1.2, radius), colour)
    sketch.fill(ellipse(-0.1, -0.08, radius * 0.5, radius * 0.4), shaded(colour, 1.15))
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
