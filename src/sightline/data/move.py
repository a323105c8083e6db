"""Moves: an affine map of points with the frame before and after, and what it does to all that lies on a picture.

Points, boxes, masks and pixels go through one matrix; moves in a row become one matrix first, so that a picture is
interpolated once, and nothing is lost that a later move brings back into the frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sightline.data.crop import inside
from sightline.data.map_image import map_image
from sightline.data.map_labels import map_labels
from sightline.data.moved_boxes import move_boxes

Shape = tuple[int, int]
_DOUBLE = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])  # from the points of a halved picture


@dataclass(frozen=True, eq=False)
class Move:
    """An affine map between two frames.

    Parameters
    ----------
    matrix
        2×3 float64, from points (x, y) of the old frame to points of the new one.
    old, new
        ``(height, width)`` of the frames.
    border
        What a picture shows where nothing was: ``zero`` (black), or itself mirrored (``reflect``, the edge pixel once).
    """

    matrix: np.ndarray
    old: Shape
    new: Shape
    border: str = "zero"

    @classmethod
    def none(cls, shape: Shape) -> Move:
        """Return the move that leaves everything where it is."""
        return cls(np.eye(2, 3), shape, shape)

    @classmethod
    def mirror(cls, shape: Shape, *, vertical: bool = False) -> Move:
        """Return the move that swaps left and right, or top and bottom."""
        matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        axis = int(vertical)
        matrix[axis][axis], matrix[axis][2] = -1.0, shape[1 - axis] - 1
        return cls(np.array(matrix), shape, shape)

    @classmethod
    def shift(cls, shape: Shape, right: float, down: float, border: str = "zero") -> Move:
        """Return the move by ``right`` and ``down`` pixels."""
        return cls(np.array([[1.0, 0.0, right], [0.0, 1.0, down]]), shape, shape, border)

    @classmethod
    def about_centre(cls, shape: Shape, linear: tuple[float, ...], shift: tuple[float, float] = (0.0, 0.0)) -> Move:
        """Return p → c + shift + L · (p − c) with the frame's centre c and L given row by row."""
        a, b, c, d = linear
        cx, cy = (shape[1] - 1) / 2, (shape[0] - 1) / 2
        x0, y0 = cx + shift[0] - a * cx - b * cy, cy + shift[1] - c * cx - d * cy
        return cls(np.array([[a, b, x0], [c, d, y0]]), shape, shape)

    @classmethod
    def crop(cls, shape: Shape, rectangle: tuple[int, int, int, int], new: Shape) -> Move:
        """Return the move that makes ``(top, left, height, width)`` of the frame the whole of a new one."""
        top, left, height, width = rectangle
        x, y = new[1] / width, new[0] / height
        # Edges go to edges: the centre of the first pixel lies half a pixel inside.
        return cls(np.array([[x, 0, (0.5 - left) * x - 0.5], [0, y, (0.5 - top) * y - 0.5]]), shape, new)

    def then(self, later: Move) -> Move:
        """Return this move and a later one as one; the border is mirrored where that of either is."""
        (a, b, x), (c, d, y) = self.matrix.tolist()  # for two rows of three, plain numbers are quicker than arrays
        (e, f, u), (g, h, v) = later.matrix.tolist()
        first = e * a + f * c, e * b + f * d, e * x + f * y + u
        second = g * a + h * c, g * b + h * d, g * x + h * y + v
        border = self.border if later.border == "zero" else later.border
        return Move(np.array([first, second]), self.old, later.new, border)

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right are swapped as in a mirror: turning does not undo it."""
        return bool(self._determinant < 0)

    @property
    def _determinant(self) -> float:
        (a, b, _), (c, d, _) = self.matrix.tolist()
        return a * d - b * c

    def points(self, points: np.ndarray) -> np.ndarray:
        """Return …×2 points (x, y) where they come to lie, float64; some may be outside the new frame."""
        return np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Return which of …×2 points lie on a pixel of the new frame."""
        height, width = self.new
        x, y = points[..., 0], points[..., 1]
        return (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)

    def boxes(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the smallest boxes around what is left of each box in the frame, and the share of it that is left.

        Parameters
        ----------
        boxes
            N×4 xyxy, continuous edges.

        Returns
        -------
        boxes, shares
            N×4 float64 inside the new frame, all 0 where nothing is left; N in 0–1, the area against that of the
            smallest box around the whole.
        """
        boxes = np.asarray(boxes, np.float64, "C").reshape(-1, 4)
        found, shares = np.empty_like(boxes), np.empty(len(boxes))
        move_boxes(boxes, self.matrix, self.new[1], self.new[0], found, shares)
        return found, shares

    def masks(self, masks: np.ndarray, outside: int | bool) -> np.ndarray:
        """Return maps of labels …×H×W in the new frame, nearest neighbour; ``outside`` where nothing was.

        Parameters
        ----------
        masks
            Any dtype of at most 8 bytes; the last two axes are the old frame.
        outside
            The value of what comes in from beyond the old frame.
        """
        whole = self._whole()
        if whole is not None:
            return _moved(masks, whole, self.new, outside)
        if abs(self._determinant) < 1e-9:  # nothing is left of a picture that is flattened
            return np.full((*masks.shape[:-2], *self.new), outside, masks.dtype)
        return map_labels(masks, np.linalg.inv(np.vstack([self.matrix, (0, 0, 1)])), self.new, outside)

    def image(self, image: np.ndarray) -> np.ndarray:
        """Return the picture in the new frame: moved exactly where it can be, else bilinear; the border comes in.

        Parameters
        ----------
        image
            H×W or H×W×3 uint8 of the old frame. Where it shrinks to less than half, it is halved first, by the mean of
            four pixels, as often as needed.
        """
        whole = self._whole()
        if whole is not None and self.border == "reflect":
            (sign_x, right, sign_y, down), (height, width) = whole, self.new
            rows = inside(sign_y * (np.arange(height) - down), self.old[0], self.border)
            columns = inside(sign_x * (np.arange(width) - right), self.old[1], self.border)
            return image[rows[:, None], columns]
        if whole is not None:
            last = np.moveaxis(image, -1, 0) if image.ndim == 3 else image
            moved = _moved(last, whole, self.new, 0)
            return np.ascontiguousarray(np.moveaxis(moved, 0, -1)) if image.ndim == 3 else moved
        matrix, shrink = self.matrix, math.sqrt(abs(self._determinant))
        while 0 < shrink < 0.5 and max(image.shape[:2]) > 1:
            image, matrix, shrink = _halved(image), matrix @ _DOUBLE, 2 * shrink
        return map_image(image, matrix, self.new, self.border)

    def _whole(self) -> tuple[int, int, int, int] | None:
        """Return ``(x sign, right, y sign, down)`` where pixels go to pixels, else None."""
        (a, b, tx), (c, d, ty) = self.matrix.tolist()
        if b or c or abs(a) != 1 or abs(d) != 1 or tx != round(tx) or ty != round(ty):
            return None
        return int(a), int(tx), int(d), int(ty)


def _halved(image: np.ndarray) -> np.ndarray:
    """Return the means of 2×2 pixels; an odd last row or column counts twice."""
    from sightline.image.resize import resize  # compiles kernels that the rest does without

    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), *((0, 0),) * (image.ndim - 2)), mode="edge")
    return resize(image, (image.shape[0] // 2, image.shape[1] // 2), antialias=False)


def _moved(array: np.ndarray, whole: tuple[int, int, int, int], new: Shape, outside: int | bool) -> np.ndarray:
    """Return …×H×W mirrored and shifted by whole pixels into another frame."""
    sign_x, right, sign_y, down = whole
    height, width = array.shape[-2:]
    array = array[..., ::sign_y, ::sign_x]
    right -= 0 if sign_x > 0 else width - 1
    down -= 0 if sign_y > 0 else height - 1
    if (right, down) == (0, 0) and new == (height, width):
        return array.copy(order="K")
    out = np.full((*array.shape[:-2], *new), outside, array.dtype)
    rows = slice(max(down, 0), min(height + down, new[0]))
    columns = slice(max(right, 0), min(width + right, new[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        source = array[..., rows.start - down : rows.stop - down, columns.start - right : columns.stop - right]
        out[..., rows, columns] = source
    return out
