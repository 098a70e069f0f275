"""One drawn photo of a face, from its generator and its label."""

import numpy as np
from PIL import Image, ImageDraw

from facemask.data.drawn.background import draw_background
from facemask.data.drawn.body import body_pose, draw_body
from facemask.data.drawn.colours import fabric_colour
from facemask.data.drawn.covers import draw_cover
from facemask.data.drawn.degrade import blurred, colourless, exposed, noisy, taken_size
from facemask.data.drawn.face import draw_eyes, draw_head, draw_mouth, draw_nose
from facemask.data.drawn.framing import draw_pose, draw_size
from facemask.data.drawn.hair import draw_beard, draw_hair, draw_hair_behind
from facemask.data.drawn.headwear import draw_glasses, draw_headwear, draw_headwear_behind
from facemask.data.drawn.light import Light, draw_light, lit
from facemask.data.drawn.person import Person, draw_person
from facemask.data.drawn.props import draw_prop
from facemask.data.drawn.sketch import Pose, Sketch
from facemask.errors import ConfigError, LabelError
from facemask.labels import MASK, NO_MASK


def draw_face(
    rng: np.random.Generator, label: int, size: tuple[int, int] | None = None
) -> Image.Image:
    """A drawn photo of a face, RGB.

    Size, person, framing, light, background and camera are drawn without regard to the label;
    only what covers the mouth, or is held before it, depends on it.

    Args:
        rng: where all chance comes from; the same state gives the same picture.
        label: 0 for a bare face, 1 for a covered one.
        size: width and height in pixels; drawn at random by default.

    Raises:
        LabelError: if the label is neither 0 nor 1.
        ConfigError: if a side of the size is under 1 pixel.
    """
    if label not in (NO_MASK, MASK):
        raise LabelError(f"label {label}: expected {NO_MASK} or {MASK} for a drawn face")
    if size is not None and min(size) < 1:
        raise ConfigError(f"size {size[0]} x {size[1]}: expected 1 pixel or more a side")
    drawn_size = draw_size(rng)
    final = size or drawn_size
    taken = taken_size(final, rng)
    canvas = (2 * taken[0], 2 * taken[1])
    person, pose, light = draw_person(rng), draw_pose(canvas, rng), draw_light(rng)
    image = draw_background(canvas, person.skin, rng)
    _draw_person(ImageDraw.Draw(image), person, pose, light, label, rng)
    pixels = lit(np.asarray(image.reduce(2)), pose, light, canvas)
    image = colourless(blurred(Image.fromarray(exposed(pixels, rng)), rng), rng)
    if taken != final:
        image = image.resize(final, Image.Resampling.BILINEAR)
    return noisy(image, rng)


def _draw_person(
    draw: ImageDraw.ImageDraw,
    person: Person,
    pose: Pose,
    light: Light,
    label: int,
    rng: np.random.Generator,
) -> None:
    behind, body, head = Sketch(pose), Sketch(body_pose(pose)), Sketch(pose)
    hat = fabric_colour(rng)
    draw_headwear_behind(behind, person, hat)
    if person.headwear not in ("hijab", "hood", "turban"):
        draw_hair_behind(behind, person, rng)
    draw_body(body, person, rng)
    draw_head(head, person, rng)
    draw_eyes(head, person)
    draw_beard(head, person, rng)
    if label == NO_MASK:
        draw_mouth(head, person)
        draw_nose(head, person, light.side)
    if person.headwear not in ("hijab", "hood", "turban"):
        draw_hair(head, person, rng)
    draw_headwear(head, person, hat, rng)
    if label == MASK:
        draw_cover(head, person, rng)
    draw_glasses(head, person, rng)
    for sketch in (behind, body, head, *draw_prop(pose, person, rng, label)):
        sketch.draw_on(draw)
