"""Samples as points on a sheet: groups in colours, their centres, ellipses and ways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightline.core.canvas import PALETTE, Canvas, Colour, colour_of, label_colours
from sightline.core.types import Array
from sightline.learn.pca import PCA

_MOST = 3000  # points that are drawn
_GREY = (150, 150, 150)
_INK = (20, 20, 20)


class Plane:
    """A sheet for N×D samples: their two columns, or the two directions in which they are widest.

    Parameters
    ----------
    samples
        N×D finite numbers. One column lies across the middle.
    side
        Width and height of the sheet in pixels.
    """

    def __init__(self, samples: Array, side: int = 420) -> None:
        samples = np.asarray(samples, np.float64)
        width = samples.shape[1]
        self._turn, self._middle = np.eye(width, 2), np.zeros(width)
        if width > 2 and len(samples) > 2:
            pca = PCA(2).fit(samples)
            self._turn, self._middle = pca.components_.T.astype(np.float64), pca.mean_.astype(np.float64)
        flat = (samples - self._middle) @ self._turn
        low, high = flat.min(axis=0), flat.max(axis=0)
        self.side, edge = side, 0.05 * side
        self._scale = (side - 2 * edge) / max(float((high - low).max()), 1e-12)
        self._shift = side / 2 - self._scale * (low + high) / 2
        self._every = max(1, -(-len(samples) // _MOST))
        self._points = self.places(samples[:: self._every])

    def places(self, samples: Array) -> Array:
        """Return where N×D samples lie, N×2 (x, y) in pixels; the second direction points up."""
        flat = (np.asarray(samples, np.float64) - self._middle) @ self._turn
        return (flat * self._scale + self._shift) * (1, -1) + (0, self.side - 1)

    def picture(
        self,
        labels: Array | None = None,
        centres: Array | None = None,
        *,
        covariances: Array | None = None,
        lines: Sequence[Array] = (),
    ) -> Array:
        """Return the sheet, side×side×3 uint8.

        Parameters
        ----------
        labels
            N whole numbers: groups of the samples, −1 for none; all grey when None.
        centres
            K×D, drawn large, each in the colour of its group.
        covariances
            K×D×D around the centres: ellipses of twice the standard deviation.
        lines
            M×D polylines.
        """
        canvas = Canvas(np.full((self.side, self.side, 3), 255, np.uint8))
        groups = np.full(len(self._points), -1) if labels is None else np.asarray(labels)[:: self._every]
        for group in np.unique(groups):
            colour = _GREY if group < 0 else _colour(int(group), int(groups.max()))
            canvas.dots(self._points[groups == group], colour, 2.2)
        for line in lines:
            canvas.line(self.places(line), _INK)
        for k, centre in enumerate([] if centres is None else centres):
            if covariances is not None:
                canvas.line(self._ellipse(centre, covariances[k]), _INK, closed=True)
            canvas.dots(self.places(centre[None]), _colour(k, int(groups.max())), 7)
        return canvas.image()

    def _ellipse(self, centre: Array, covariance: Array) -> Array:
        flat = self._turn.T @ covariance @ self._turn
        values, vectors = np.linalg.eigh(flat)
        turn = np.linspace(0, 2 * np.pi, 49)[:-1]
        ring = 2 * np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.sqrt(np.maximum(values, 0)) @ vectors.T
        return self.places(centre[None]) + ring * self._scale * (1, -1)


def _colour(group: int, last: int) -> Colour:
    """Return the colour of a group, one of the palette's when these are enough for groups 0 to ``last``."""
    if last < len(PALETTE):
        return colour_of(group)
    red, green, blue = label_colours(np.array([[group + 1]]))[0, 0]
    return int(red), int(green), int(blue)
