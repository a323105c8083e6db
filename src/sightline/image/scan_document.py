"""Document scanner: the page in a photo, laid flat.

Zhang & He 2007, "Whiteboard Scanning and Image Enhancement", Digital Signal Processing 17(2), which the code follows:
the quadrilateral, its proportions, and the rectified picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, flag, integer, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.layers import Lines, Picture, Points
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, NewImage, Range
from sightline.core.types import Points as PointArray
from sightline.image.adaptive_threshold import adaptive_threshold
from sightline.image.fit_transform import fit
from sightline.image.gradient import as_gray
from sightline.image.page_outline import Outline, outline_of, page_shape
from sightline.image.points import as_points
from sightline.image.warp_affine import warp_perspective

_MOST = 1 << 26  # pixels of a page


def _inner_frame(image: Any) -> Array:
    """Return the corners of a page that fills most of a picture, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    x, y = max(width - 1, 1), max(height - 1, 1)
    return np.array([[0.1 * x, 0.1 * y], [0.9 * x, 0.05 * y], [0.95 * x, 0.9 * y], [0.05 * x, 0.95 * y]])


@method(task="documents", paper="Zhang & He 2007", lesson="w2d6")
def find_page(image: Image, *, least_area: Annotated[float, Range(0.01, 1, 0.01)] = 0.1) -> Float32[np.ndarray, "n 2"]:
    """Return the four corners of the page in a photo.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or finite float32.
    least_area
        Smallest page, as a share of the photo, 0.01–1.

    Returns
    -------
    corners
        4×2 float32 (x, y) in pixels, with the clock from the top left; 0×2 when there is no page.

    References
    ----------
    Z. Zhang, L. He, "Whiteboard Scanning and Image Enhancement", Digital Signal Processing 17(2), 2007.

    Examples
    --------
    >>> import numpy as np
    >>> photo = np.full((120, 160), 40, np.uint8)
    >>> photo[20:100, 30:130] = 230
    >>> find_page(photo).round(1).tolist()
    [[29.5, 19.5], [129.5, 19.5], [129.5, 99.5], [29.5, 99.5]]
    """
    found = _outline("find_page", image, least_area).corners
    return np.zeros((0, 2), np.float32) if found is None else found.astype(np.float32)


@method(task="documents", paper="Zhang & He 2007", lesson="w2d6", example={"corners": _inner_frame})
def scan_document(
    image: Image,
    corners: PointArray | None = None,
    *,
    black_and_white: bool = False,
    height: int | None = None,
    margin: Annotated[float, Range(0, 100, 1)] = 0.0,
    least_area: Annotated[float, Range(0.01, 1, 0.01)] = 0.1,
) -> NewImage:
    """Return the page in a photo, laid flat.

    The page is a light (or dark) area with four straight sides; :func:`find_page` returns its corners. NaN and infinity
    are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or finite float32.
    corners
        4×2 (x, y) in pixels, with the clock from the top left of the page; None finds them.
    black_and_white
        Compare each pixel with its neighbourhood: black ink on white paper, whatever the light; H×W.
    height
        Of the result in pixels, ≥ 1; None for as many as the page has in the photo. The width follows.
    margin
        Pixels of the page that are cut off on every side, 0–100, in the result.
    least_area
        Smallest page, as a share of the photo, 0.01–1.

    Returns
    -------
    The page, upright as in the photo, in its own proportions; same dtype.

    Raises
    ------
    InputError
        When the photo shows no page, or the corners are those of no page.

    References
    ----------
    Z. Zhang, L. He, "Whiteboard Scanning and Image Enhancement", Digital Signal Processing 17(2), 2007.

    Examples
    --------
    >>> import numpy as np
    >>> photo = np.full((120, 160), 40, np.uint8)
    >>> photo[20:100, 30:130] = 230
    >>> page = scan_document(photo)
    >>> page.shape, int(page[1:-1, 1:-1].min())
    ((80, 100), 230)
    """
    image = as_image("scan_document", image, finite=True)
    quad = _corners(image, corners, number("scan_document", "least_area", least_area, 0.01, 1))
    flat = _rectified(image, quad, height, margin)
    return _in_ink(flat) if flag("scan_document", "black_and_white", black_and_white) else flat


@scan_document.steps
def _steps(image: Image, corners: Any = None, **options: Any) -> Iterator[Step]:
    photo = as_image("scan_document", image, finite=True)
    least = options.get("least_area", 0.1)
    yield Step("photo", Picture(photo))
    if corners is None:
        found = _outline("scan_document", photo, least)
        yield Step("edges", MaskLayer(found.edges), note="In a small copy of the photo.")
        boxes = np.concatenate([_sides(quad) for quad in found.candidates]) if found.candidates else np.zeros((0, 4))
        yield Step("candidates", Lines(boxes), MaskLayer(found.edges), Lines(boxes), note="Contours of four corners.")
    quad = _corners(photo, corners, least)
    layers = Points(quad.astype(np.float32)), Picture(photo), Lines(_sides(quad)), Points(quad.astype(np.float32))
    yield Step("quadrilateral", *layers, note="A line is fitted along each side; the corners are where they cross.")
    if options.get("black_and_white"):
        flat = _rectified(photo, quad, options.get("height"), options.get("margin", 0.0))
        yield Step("rectified", Picture(flat), note="As seen from straight above.")
    yield Step("page", Picture(scan_document(image, corners, **options)))


def _outline(function: str, image: Any, least_area: float) -> Outline:
    gray = to_uint8(as_gray(function, image, finite=True))
    return outline_of(gray, number(function, "least_area", least_area, 0.01, 1))


def _corners(image: Array, corners: Any, least_area: float) -> Array:
    if corners is None:
        found = _outline("scan_document", image, least_area).corners
        if found is None:
            raise InputError(
                "scan_document: image must show a page with four straight sides; got none of at least "
                f"{least_area:g} of the photo. Give its corners."
            )
        return found
    quad = as_points("scan_document", corners, argument="corners")
    along = np.roll(quad, -1, axis=0) - quad
    turns = along[:, 0] * np.roll(along, -1, axis=0)[:, 1] - along[:, 1] * np.roll(along, -1, axis=0)[:, 0]
    if quad.shape != (4, 2) or turns.min() <= 0:
        raise InputError(
            f"scan_document: corners must be 4×2 with the clock from the top left; got {describe(corners)}, which is "
            "no convex quadrilateral in that order."
        )
    return quad


def _sides(quad: Array) -> Array:
    return np.hstack([quad, np.roll(quad, -1, axis=0)]).astype(np.float32)


def _rectified(image: Array, quad: Array, height: int | None, margin: float) -> Array:
    margin = number("scan_document", "margin", margin, 0, 100, unit="pixels")
    tall, wide = page_shape(quad, image.shape)
    rows = round(tall) if height is None else integer("scan_document", "height", height, 1)
    rows, columns = max(1, rows), max(1, round(wide * rows / max(tall, 1e-9)))
    shape = (round(rows - 2 * margin), round(columns - 2 * margin))
    if min(shape) < 1 or rows * columns > _MOST:
        raise InputError(
            f"scan_document: height must leave 1 to {_MOST} pixels of the page; got {rows}×{columns} with a margin of "
            f"{margin:g}."
        )
    # The page's outline lies half a pixel outside of the centres of its outermost pixels.
    frame = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)]) - 0.5 - margin
    return warp_perspective(image, fit("homography", quad, frame), shape, border="edge")


def _in_ink(page: Array) -> Array:
    size = max(3, min(1023, round(min(page.shape[:2]) / 20) | 1))
    top = 1 if page.dtype.kind == "f" else np.iinfo(page.dtype).max
    return adaptive_threshold(page, size, top * 0.06)
