"""Made photos for the rooms of several views and of motion: a desk of sample photos, a chessboard, a fair of things.

References read ``scene:desk-3`` and ``scene:board-0``. Each photo is rendered where it is asked for: rays through the
camera's lens to the nearest of a few flat pictures.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image as PillowImage

from sightline.core.errors import MissingFileError
from sightline.core.types import Array
from sightline.data.sample import SAMPLES

HEIGHT, WIDTH = 360, 480
BOARD = (8, 5)  # inner corners of the chessboard along a row and along a column
SCENES = {"desk": 8, "board": 9, "fair": 48}  # and how many photos of each there are
_FOCAL = 430.0
_LENS = (-0.28, 0.09, 0.0, 0.0)  # of the camera that sees the board
_GREY = 92.0
_BOARDS = (  # degrees that the chessboard is turned by (pitch, yaw, roll), and where its middle is
    ((0, 0, 0), (0, 0, 4.4)),
    ((35, 0, 5), (0.5, 0.3, 4.6)),
    ((-35, 5, -4), (-0.5, -0.3, 4.6)),
    ((0, 38, 0), (0.7, 0, 4.5)),
    ((4, -38, 3), (-0.7, 0.2, 4.5)),
    ((25, 25, 20), (0.4, 0.4, 5)),
    ((-25, 25, -18), (-0.5, 0.4, 5)),
    ((22, -26, 88), (0.1, -0.1, 5.4)),
    ((-8, 6, 45), (0.2, 0.1, 5.6)),
)


@dataclass(frozen=True)
class _Card:
    """A flat picture in space: its top-left corner, and the ways along its width and its height."""

    picture: Array
    corner: Array
    across: Array
    down: Array
    light: float = 1.0


def references() -> list[dict[str, object]]:
    """Return the made photos by scene, as plain JSON values."""
    titles = {"desk": "A desk of photos", "board": "A chessboard through a wide lens", "fair": "Photos that move"}
    return [
        {
            "name": name,
            "title": titles[name],
            "refs": [f"scene:{name}-{number}" for number in range(count)],
            "width": WIDTH,
            "height": HEIGHT,
        }
        for name, count in SCENES.items()
    ]


@lru_cache(maxsize=96)
def scene_bytes(name: str) -> bytes:
    """Return a made photo as a JPEG file.

    Parameters
    ----------
    name
        Of the scene and the photo's number, such as ``desk-3``.
    """
    scene, _, number = name.partition("-")
    if scene not in SCENES or not number.isdigit() or int(number) >= SCENES[scene]:
        known = ", ".join(f"{one}-0 to {one}-{count - 1}" for one, count in SCENES.items())
        raise MissingFileError(f"pictures: no scene is named '{name}'; there are {known}.")
    image = {"desk": _desk, "board": _board, "fair": _fair}[scene](int(number))
    stream = io.BytesIO()
    PillowImage.fromarray(image).save(stream, "jpeg", quality=94)
    return stream.getvalue()


def _desk(number: int) -> Array:
    angle = np.deg2rad(-24 + 6.5 * number)
    target = np.array([0.0, 0.1, 5.0])
    centre = target + 5.2 * np.array([np.sin(angle), -0.16 + 0.02 * (number % 3), -np.cos(angle)])
    return _photo(_cards(), _looking(centre, target), centre, (), fine=1)


@lru_cache(maxsize=1)
def _cards() -> list[_Card]:
    def card(name: str, corner: tuple[float, ...], across: tuple[float, ...], down: tuple[float, ...], light: float):  # type: ignore[no-untyped-def]
        width = round(float(np.linalg.norm(across)) * _FOCAL / (corner[2] - 1))  # about as large as it is seen
        picture = _shrunk(name, width)
        return _Card(picture, np.array(corner), np.array(across), np.array(down), light)

    return [
        card("china", (-3.3, -2.2, 7.0), (6.6, 0, 0), (0, 4.0, 0), 1.0),
        card("flower", (-3.3, 1.6, 7.0), (6.6, 0, 0), (0, 0, -5.0), 0.85),
        card("cat", (-0.9, -0.1, 4.7), (1.5, 0, -0.7), (0, 1.6, 0), 1.0),
        card("camera", (0.6, -0.1, 4.0), (0.7, 0, 1.5), (0, 1.6, 0), 0.8),
        card("retina", (-0.2, -0.1, 6.2), (1.5, 0, -0.7), (-0.7, 0, -1.5), 1.1),
        card("coffee", (-2.5, 0.2, 5.4), (1.3, 0, 0.5), (0, 1.35, -0.2), 1.0),
        card("astronaut", (1.5, 0.0, 5.3), (1.1, 0, -0.35), (0, 1.5, -0.25), 1.0),
    ]


def _board(number: int) -> Array:
    columns, rows = BOARD[0] + 1, BOARD[1] + 1
    squares = np.kron(np.indices((rows, columns)).sum(axis=0) % 2, np.ones((24, 24))) * 205 + 25
    sheet = np.repeat(np.pad(squares, 24, constant_values=238)[..., None], 3, axis=2).astype(np.float32)
    turn, place = _BOARDS[number]
    turned = _turned(*np.deg2rad(turn))
    width, height = 0.4 * (columns + 2), 0.4 * (rows + 2)
    corner = np.array(place) - turned @ np.array([width, height, 0]) / 2
    card = _Card(sheet, corner, turned[:, 0] * width, turned[:, 1] * height)
    return _photo([card], np.eye(3), np.zeros(3), _LENS, fine=2)


# What moves at the fair, the nearest last: a sample, its width, its middle at first, its velocity; in pixels.
_MOVING = (
    ("coins", 78, (60.0, 92.0), (6.2, 1.3)),
    ("coffee", 92, (440.0, 120.0), (-7.0, 0.8)),
    ("retina", 70, (120.0, 330.0), (3.4, -4.3)),
    ("astronaut", 80, (20.0, 240.0), (7.4, 0.2)),
    ("cat", 104, (470.0, 262.0), (-6.6, -0.4)),
)
_PAN = -0.7  # pixels a frame that all else moves by


def fair_boxes(number: int) -> Array:
    """Return where the things of the fair are in a photo, N×4 xyxy, the nearest last."""
    boxes = []
    for name, width, middle, velocity in _MOVING:
        height = width * SAMPLES[name].size[1] / SAMPLES[name].size[0]
        x, y = np.array(middle) + number * np.array(velocity)
        boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return np.array(boxes)


def _fair(number: int) -> Array:
    boxes = [(-40 + _PAN * number, -30, 560 + _PAN * number, 370), *fair_boxes(number)]
    cards = []
    for nearness, (name, box) in enumerate(zip(("china", *(row[0] for row in _MOVING)), boxes, strict=True)):
        depth = 10 - 0.5 * nearness
        left, top, right, bottom = (np.array(box) - np.array([WIDTH, HEIGHT] * 2) / 2) * depth / _FOCAL
        across, down = (right - left, 0.0, 0.0), (0.0, bottom - top, 0.0)
        cards.append(
            _Card(_shrunk(name, round(box[2] - box[0])), np.array([left, top, depth]), np.array(across), np.array(down))
        )
    return _photo(cards, np.eye(3), np.zeros(3), (), fine=1)


@lru_cache(maxsize=32)
def _shrunk(name: str, width: int) -> Array:
    """Return a sample's photo, so many pixels wide, as float32."""
    with PillowImage.open(SAMPLES[name].path) as photo:
        shrunk = photo.convert("RGB").resize((width, round(width * photo.height / photo.width)), reducing_gap=None)
    return np.asarray(shrunk, np.float32)


def _looking(centre: Array, target: Array) -> Array:
    """Return the rotation, world to camera, of a camera that looks at a place, y down."""
    z = (target - centre) / np.linalg.norm(target - centre)
    x = np.cross([0, 1.0, 0], z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def _turned(pitch: float, yaw: float, roll: float) -> Array:
    from sightline.geometry import rodrigues

    return rodrigues(np.array([pitch, 0, 0])) @ rodrigues(np.array([0, yaw, 0])) @ rodrigues(np.array([0, 0, roll]))


def _photo(cards: list[_Card], rotation: Array, centre: Array, lens: tuple[float, ...], fine: int) -> Array:
    """Return what a camera sees, ``fine``² rays to the pixel."""
    from sightline.geometry import Camera
    from sightline.geometry.undistort import rays_of

    camera = Camera(Camera.from_focal(_FOCAL, (HEIGHT, WIDTH)).matrix, lens)
    y, x = np.mgrid[0 : fine * HEIGHT, 0 : fine * WIDTH].reshape(2, -1)
    places = (np.column_stack([x, y]) + 0.5) / fine - 0.5
    rays = np.insert(rays_of(camera, places), 2, 1, axis=1) @ rotation
    colours = np.full((len(rays), 3), _GREY, np.float32) - (40 * y / (fine * HEIGHT)).astype(np.float32)[:, None]
    depth = np.full(len(rays), np.inf)
    for card in cards:
        _hit(card, centre, rays, depth, colours)
    image = colours.reshape(HEIGHT, fine, WIDTH, fine, 3).mean(axis=(1, 3))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _hit(card: _Card, centre: Array, rays: Array, depth: Array, colours: Array) -> None:
    """Paint a card where it is nearer than what is there already."""
    normal = np.cross(card.across, card.down)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = normal @ (card.corner - centre) / (rays @ normal)
        place = centre + t[:, None] * rays - card.corner
        u, v = place @ card.across / (card.across @ card.across), place @ card.down / (card.down @ card.down)
        seen = np.flatnonzero((t > 0) & (t < depth) & (u >= 0) & (u < 1) & (v >= 0) & (v < 1))
    depth[seen] = t[seen]
    height, width = card.picture.shape[:2]
    x, y = np.clip(u[seen] * width - 0.5, 0, width - 1.001), np.clip(v[seen] * height - 0.5, 0, height - 1.001)
    left, top = x.astype(int), y.astype(int)
    a, b = (x - left)[:, None], (y - top)[:, None]
    upper = card.picture[top, left] * (1 - a) + card.picture[top, left + 1] * a
    lower = card.picture[top + 1, left] * (1 - a) + card.picture[top + 1, left + 1] * a
    colours[seen] = card.light * (upper * (1 - b) + lower * b)
