import numpy as np
import pytest
from PIL import Image, ImageFont

from sightline.core.canvas import _HAD, PALETTE, Canvas, _spelt, colour_of, heat_colours
from sightline.core.errors import InputError


def test_the_palette_repeats_and_its_colours_differ_in_gray_too():
    assert colour_of(0) == colour_of(len(PALETTE))
    lumas = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in PALETTE]
    assert len({round(luma / 8) for luma in lumas}) >= 5


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_every_image_becomes_rgb_bytes(dtype):
    image = np.full((5, 6), 1 if dtype == "float32" else np.iinfo(dtype).max, dtype)
    assert (Canvas(image).image() == 255).all()
    assert Canvas(np.dstack([image] * 3)).image().shape == (5, 6, 3)


def test_the_image_is_never_changed():
    image = np.zeros((30, 40, 3), np.uint8)
    canvas = Canvas(image)
    canvas.box([0, 0, 40, 30], (1, 2, 3), "label")
    canvas.mask(np.ones((30, 40), bool), (200, 0, 0))
    canvas.heat(np.ones((30, 40)))
    canvas.line(np.array([[0, 0], [39, 29]]), (9, 9, 9), closed=True)
    assert not image.any()
    before = canvas.image()
    canvas.image()[...] = 77
    np.testing.assert_array_equal(canvas.image(), before)


def test_a_box_covers_its_edge_pixels():
    canvas = Canvas(np.zeros((8, 9), np.uint8))
    canvas.box([2, 1, 7, 6], (255, 255, 255))
    expected = np.zeros((8, 9), bool)
    expected[1:6, 2:7] = True
    expected[2:5, 3:6] = False
    np.testing.assert_array_equal(canvas.image().any(axis=2), expected)


def test_ink_is_chosen_by_contrast():
    for colour, ink in (((250, 240, 60), 0), ((0, 0, 90), 255)):
        canvas = Canvas(np.full((60, 200, 3), 128, np.uint8))
        canvas.text("MMMM", (5, 5), colour)
        assert (np.abs(canvas.image().astype(int) - ink) < 60).all(axis=2).any()


def test_lines_get_thicker_with_the_picture():
    assert Canvas(np.zeros((100, 100), np.uint8)).width == 1
    assert Canvas(np.zeros((2000, 3000), np.uint8)).width == 8


@pytest.mark.parametrize("at", [(-50, -50), (500, 500), (0, 0)])
def test_text_stays_inside(at):
    canvas = Canvas(np.zeros((60, 100), np.uint8))
    canvas.text("two\nlines", at, (255, 255, 255))
    reached = np.argwhere(canvas.image().any(axis=2))
    assert np.ptp(reached[:, 0]) > 20
    assert np.ptp(reached[:, 1]) > 15


@pytest.mark.parametrize(
    ("text", "as_if"),
    [
        ("64×113×113", "64x113x113"),
        ("consommé", "consomme"),
        ("cafe\u0301", "cafe"),
        ("Ærø – Łódź", "AEro - Lodz"),
        ("ε ≤ 8", "eps <= 8"),
        ("ﬁve ½", "five 1⁄2"),
    ],
)
def test_signs_that_the_font_lacks_are_spelt(text: str, as_if: str) -> None:
    pictures = []
    for one in (text, as_if):
        canvas = Canvas(np.zeros((40, 200), np.uint8))
        canvas.box([5, 30, 150, 39], (0, 0, 90), one)
        canvas.text(one, (0, 0), (255, 255, 255))
        pictures.append(canvas.image())
    np.testing.assert_array_equal(*pictures)


def test_signs_that_the_font_has_are_written_as_they_are() -> None:
    lacking = ImageFont.load_default(24).getmask("\uffff")
    for sign in _HAD:
        assert _spelt(sign) == sign
        assert bytes(ImageFont.load_default(24).getmask(sign)) != bytes(lacking), sign


def test_a_wrong_image_is_named_by_the_caller():
    with pytest.raises(InputError, match="show: image must be"):
        Canvas(np.zeros((3, 3)), function="show")


@pytest.mark.parametrize("shape", [(5, 9), (70, 300), (7, 1), (150, 20)])
def test_a_heat_map_is_pillows_resized_and_blended(shape):
    picture = np.random.default_rng(0).integers(0, 256, (70, 300, 3), dtype=np.uint8)
    values = np.random.default_rng(1).random(shape)
    colours = Image.fromarray(heat_colours(values)).resize((300, 70), Image.Resampling.BILINEAR)
    canvas = Canvas(picture)
    canvas.heat(values, 0.3)
    np.testing.assert_array_equal(canvas.image(), np.asarray(Image.blend(Image.fromarray(picture), colours, 0.3)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (64, 3), (200, 130)])
def test_what_is_finished_is_what_was_drawn(shape):
    for picture in (np.full(shape, 7, np.uint8), np.arange(np.prod(shape) * 3).astype(np.uint8).reshape(*shape, 3)):
        canvas = Canvas(picture)
        assert (canvas.image() == (picture if picture.ndim == 3 else picture[..., None])).all()
        canvas.mask(np.arange(shape[0] * shape[1]).reshape(shape) % 5 == 0, (200, 0, 90))
        drawn = canvas.image()
        np.testing.assert_array_equal(canvas.finished(), drawn)
        assert (drawn[0, 0] != picture[0, 0]).any()
