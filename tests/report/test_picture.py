import base64
import io
import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Drawing
from PIL import Image
from tests.report.pictures import diagonal, noise

from facecover.report.plotting import COLOURS, MAX_PHOTO_PX, draw, photo, with_own_names


def _decoded(markup: str) -> Image.Image:
    data = re.search(r"base64,([^\"]+)", markup)
    assert data is not None
    return Image.open(io.BytesIO(base64.b64decode(data[1])))


def test_a_drawing_takes_the_pages_colours_and_font() -> None:
    svg = str(draw(diagonal, "a line"))
    assert "var(--mask)" in svg
    assert not any(one.light in svg or one.dark in svg for one in COLOURS.values())
    assert "font-family" not in svg
    assert "<style" not in svg


def test_texts_of_a_drawing_stay_text() -> None:
    assert "across &lt;&amp;&gt; $x$" in str(draw(diagonal, "a line"))


def test_a_drawing_scales_with_its_place() -> None:
    head = str(draw(diagonal, "a line")).partition(">")[0]
    assert "viewBox" in head
    assert "width" not in head
    assert "xmlns" not in head


def test_letters_that_the_drawing_font_lacks_are_left_to_the_browser() -> None:
    def titled(figure: Drawing) -> None:
        figure.suptitle("\N{CJK UNIFIED IDEOGRAPH-516C}")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = str(draw(titled, "a title"))
    assert "\N{CJK UNIFIED IDEOGRAPH-516C}" in svg


def test_the_same_drawing_is_the_same_text() -> None:
    assert str(draw(diagonal, "a line")) == str(draw(diagonal, "a line"))


def test_a_drawing_can_stand_on_a_page_twice() -> None:
    svg = str(draw(diagonal, "a line"))
    page = with_own_names(f'<p id="part-x">{svg}</p><p>{svg}</p>')
    names = re.findall(r'id="([^"]+)"', page)
    assert len(names) == len(set(names)) > 4
    assert set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", page)) <= set(names)
    assert "part-x" in names


def test_matplotlib_is_left_as_it_was() -> None:
    before = dict(mpl.rcParams)
    str(draw(diagonal, "a line"))
    assert dict(mpl.rcParams) == before


def test_two_threads_draw_what_one_draws() -> None:
    expected = str(draw(diagonal, "a line"))
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(lambda _: str(draw(diagonal, "a line")), range(4)))
    assert drawn == [expected] * 4


def test_a_photo_keeps_its_pixels() -> None:
    pixels = noise(20)
    markup = photo(pixels, 'a "photo"')
    np.testing.assert_array_equal(np.asarray(_decoded(markup)), pixels)
    assert 'alt="a &#34;photo&#34;"' in markup
    assert 'width="20" height="20"' in markup


def test_a_large_photo_is_shrunk_and_the_callers_left_alone() -> None:
    image = Image.new("L", (400, 200), 7)
    assert _decoded(photo(image, "grey")).size == (MAX_PHOTO_PX, MAX_PHOTO_PX // 2)
    assert image.size == (400, 200)
