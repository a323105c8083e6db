"""A placement: an image resized and set into a frame, with a plain margin where it does not reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.data.move import Move, Shape

GREY = 114  # of a margin: near the mean of photos, so that it is neither dark nor light


@dataclass(frozen=True, eq=False)
class Placement(Move):
    """A move without a turn, that resizes to whole pixels and begins at a whole pixel of the new frame.

    Parameters
    ----------
    matrix, old, new
        As those of :class:`~sightline.data.move.Move`.
    fill
        Grey level of what the image does not cover, 0–255.
    """

    fill: int = GREY

    @classmethod
    def of(cls, old: Shape, size: Shape, corner: tuple[int, int], new: Shape, fill: int = GREY) -> Placement:
        """Return the placement of an image that is resized and whose top-left corner comes to lie somewhere.

        Parameters
        ----------
        old, size
            ``(height, width)`` of the image, and what it is resized to.
        corner
            ``(top, left)`` in the new frame, whole pixels; may be negative.
        new
            ``(height, width)`` of the frame.
        fill
            Grey level of the margin.
        """
        x, y = size[1] / old[1], size[0] / old[0]
        # Edges go to edges: the centre of the first pixel lies half a pixel inside.
        matrix = np.array([[x, 0, x / 2 - 0.5 + corner[1]], [0, y, y / 2 - 0.5 + corner[0]]])
        return cls(matrix, old, new, fill=fill)

    @property
    def size(self) -> Shape:
        """The ``(height, width)`` that the image is resized to."""
        return round(self.matrix[1, 1] * self.old[0]), round(self.matrix[0, 0] * self.old[1])

    @property
    def corner(self) -> tuple[int, int]:
        """Where the image's top-left corner lies in the frame, ``(top, left)``."""
        x, y = self.matrix[0, 0], self.matrix[1, 1]
        return round(self.matrix[1, 2] + 0.5 - y / 2), round(self.matrix[0, 2] + 0.5 - x / 2)

    def image(self, image: np.ndarray) -> np.ndarray:
        """Return the frame with the image in it, resized with antialiasing.

        Parameters
        ----------
        image
            H×W or H×W×3 uint8 of the old frame.
        """
        (height, width), (top, left) = self.size, self.corner
        if (height, width) != image.shape[:2]:
            from sightline.image.resize import resize  # compiles kernels that the rest does without

            image = resize(image, (height, width))
        out = np.full((*self.new, *image.shape[2:]), self.fill, image.dtype)
        rows = slice(max(top, 0), min(top + height, self.new[0]))
        columns = slice(max(left, 0), min(left + width, self.new[1]))
        if rows.start < rows.stop and columns.start < columns.stop:
            out[rows, columns] = image[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        return out

    def back(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes of the frame as boxes of the image, cut where they leave it, float64.

        Parameters
        ----------
        boxes
            N×4 xyxy, continuous edges.
        """
        (height, width), (top, left) = self.size, self.corner
        scale = np.array([self.old[1] / width, self.old[0] / height] * 2)
        found = (np.asarray(boxes, np.float64).reshape(-1, 4) - (left, top, left, top)) * scale
        return np.clip(found, 0, (self.old[1], self.old[0]) * 2)
