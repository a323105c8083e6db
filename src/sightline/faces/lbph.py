"""Histograms of local binary patterns: a face as how often each small pattern occurs in each of its cells.

Ahonen, Hadid & Pietikäinen 2004, "Face Recognition with Local Binary Patterns", European Conference on Computer Vision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Grid, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.faces.recognizer import Recognizer
from sightline.features.lbp import lbp

_PART = 512  # numbers that are added up in 32 bits


class LBPHRecognizer(Recognizer):
    """Recognises faces by the histograms of local binary patterns in the cells of a grid; people may be added later.

    Parameters
    ----------
    radius
        Of the circle of neighbours in pixels, 1–16.
    points
        How many neighbours are looked at, 2–12.
    grid
        Cells across and down, 1–64.
    threshold
        Chi-squared distance beyond which a face is somebody unknown, > 0; None knows nobody as unknown.

    References
    ----------
    T. Ahonen, A. Hadid, M. Pietikäinen, "Face Recognition with Local Binary Patterns", European Conference on Computer
    Vision, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:40, 0:40]
    >>> stripes, checks = (x % 8 * 30).astype(np.uint8), ((x // 4 + y // 4) % 2 * 200).astype(np.uint8)
    >>> LBPHRecognizer(grid=2).fit([stripes, checks], ["Ann", "Bob"]).predict(stripes // 2 + 20).label
    'Ann'
    """

    kind = "lbph"

    def __init__(self, radius: int = 1, points: int = 8, grid: int = 8, *, threshold: float | None = None) -> None:
        super().__init__(threshold)
        self.radius = integer("LBPHRecognizer", "radius", radius, 1, 16)
        self.points = integer("LBPHRecognizer", "points", points, 2, 12)
        self.grid = integer("LBPHRecognizer", "grid", grid, 1, 64)

    def update(self, images: Sequence[Array], labels: Sequence[Any]) -> LBPHRecognizer:
        """Learn more photos, of people who are known already or not; return the recogniser itself.

        Parameters
        ----------
        images, labels
            As in :meth:`fit`; names where those were names.
        """
        if not len(self):
            return self.fit(images, labels)
        names = self._names("LBPHRecognizer.update", images, labels)
        if names.dtype.kind != self.labels.dtype.kind:
            raise InputError(
                "LBPHRecognizer.update: labels must be names where those before were names, and numbers where numbers;"
                f" got {names[0]!r} after {self.labels[0]!r}."
            )
        vectors = self._describe(self._faces("LBPHRecognizer.update", images))
        self.labels = np.concatenate([self.labels, names])
        self.vectors = np.concatenate([self.vectors, vectors])
        return self

    def _learn(self, faces: Array, labels: Array) -> None:
        if min(self.size) - 2 * self.radius < self.grid:
            raise InputError(
                f"LBPHRecognizer.fit: images must have {self.grid + 2 * self.radius} pixels a side at least, one a"
                f" cell; got {self.size[0]}×{self.size[1]}. Use a smaller grid."
            )
        self.vectors = self._describe(faces)

    def _patterns(self, face: Array) -> Array:
        """Return the pattern of each pixel whose neighbours all lie in the picture."""
        r = self.radius
        return lbp(face, self.points, float(r))[r : face.shape[0] - r, r : face.shape[1] - r]

    def _describe(self, faces: Array) -> Array:
        """Return N×(cells · patterns) float32 shares of each pattern in each cell."""
        kinds = 1 << self.points
        made = np.empty((len(faces), self.grid**2, kinds), np.float32)
        for face, cells in zip(faces, made, strict=True):
            codes = self._patterns(face)
            height, width = codes.shape[0] // self.grid, codes.shape[1] // self.grid
            whole = codes[: height * self.grid, : width * self.grid]
            tiles = whole.reshape(self.grid, height, self.grid, width).swapaxes(1, 2).reshape(self.grid**2, -1)
            places = tiles + kinds * np.arange(self.grid**2)[:, None]
            counts = np.bincount(places.ravel(), minlength=cells.size)
            cells[...] = counts.reshape(cells.shape) / np.float32(height * width)
        return made.reshape(len(faces), -1)

    def _apart(self, vector: Array) -> Array:
        """Return twice the chi-squared distance to each photo, cells added up: Σ 2 (a - b)² / (a + b)."""
        found = np.empty(len(self.vectors))
        over_rows(_chi_squared, len(found), self.vectors, vector, found, strip=32)
        return found

    def _state(self) -> dict[str, Array]:
        return {"settings": np.array([self.radius, self.points, self.grid])}

    def _restore(self, arrays: dict[str, Array]) -> None:
        radius, points, grid = arrays["settings"].tolist()
        fresh = LBPHRecognizer(radius, points, grid, threshold=self.threshold)
        self.radius, self.points, self.grid = fresh.radius, fresh.points, fresh.grid
        if self.vectors.shape[1:] != (self.grid**2 << self.points,):
            raise ValueError("its histograms are not of its settings")


@kernel(fastmath=True)
def _chi_squared(vectors, vector, found, y0, y1):
    for y in range(y0, y1):
        row, total = vectors[y], np.float64(0)
        for start in range(0, row.size, _PART):
            part = np.float32(0)
            for x in range(start, min(start + _PART, row.size)):
                difference, both = row[x] - vector[x], row[x] + vector[x]
                part += difference * difference / max(both, np.float32(1e-12))
            total += part
        found[y] = 2 * total


_listed = method(task="recognition", paper="Ahonen et al. 2004", lesson="w8d3")(LBPHRecognizer)


@_listed.steps
def _steps(recognizer: LBPHRecognizer, image: Array) -> Iterator[Step]:
    face = recognizer._faces("LBPHRecognizer.predict", [image])
    yield Step("face", Picture(face[0]))
    codes = recognizer._patterns(face[0])
    yield Step("patterns", Heat(codes.astype(np.float32)), note="Which neighbours are no darker, as a number.")
    vector = recognizer._describe(face)[0]
    cells = vector.reshape(recognizer.grid**2, -1)
    side = 1 << ((recognizer.points + 1) // 2)
    shown = np.sqrt(cells / cells.max()).reshape(len(cells), -1, side)
    yield Step("histograms", Grid(shown), note="For each cell, how often each pattern occurs: bright is often.")
    distances = np.sort(recognizer._apart(vector))
    curve = np.stack([np.arange(len(distances)), distances], axis=1).astype(np.float64)
    yield Step("distances", Curve(curve, ("photo, nearest first", "distance"), recognizer.threshold))
    found = recognizer.predict(image)
    yield Step("recognised", Value(found), Picture(face[0]), note=f"The nearest photo is one of {found.nearest}.")
