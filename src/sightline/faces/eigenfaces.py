"""Eigenfaces: a face as the mean face and so much of each of the directions in which faces differ most.

Turk & Pentland 1991, "Eigenfaces for Recognition", Journal of Cognitive Neuroscience 3(1).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.layers import Curve, Grid, Heat, Picture, Table, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.faces.recognizer import Recognizer
from sightline.learn.pca import PCA


class Eigenfaces(Recognizer):
    """Recognises faces, or expressions, by the nearest photo in the space of the principal components of faces.

    For expressions, give these as the labels. That is shown on drawn faces only (lesson w8d3): none of the photos that
    the tests run on, ORL's and LFW's among them, say what a face expresses, and on photos the person disturbs more than
    the expression shows.

    Parameters
    ----------
    components
        How many eigenfaces, ≥ 1; one fewer than there are photos at most, and that many when None.
    threshold
        Distance beyond which a face is somebody unknown, in grey levels times the square root of the pixels, > 0; None
        knows nobody as unknown.

    References
    ----------
    M. Turk, A. Pentland, "Eigenfaces for Recognition", Journal of Cognitive Neuroscience 3(1), 1991.

    Examples
    --------
    >>> import numpy as np
    >>> light, dark = np.full((4, 4), 200, np.uint8), np.full((4, 4), 40, np.uint8)
    >>> Eigenfaces().fit([light, dark], ["Ann", "Bob"]).predict(light - 10).label
    'Ann'
    """

    kind = "eigenfaces"

    def __init__(self, components: int | None = None, *, threshold: float | None = None) -> None:
        super().__init__(threshold)
        self.components = None if components is None else integer("Eigenfaces", "components", components, 1)

    def _learn(self, faces: Array, labels: Array) -> None:
        table = faces.reshape(len(faces), -1).astype(np.float64)
        if len(table) == 1:  # one photo has no spread
            self.mean, self.basis = table[0], np.zeros((1, table.shape[1]))
        else:
            count = min(self.components or len(table), len(table) - 1, table.shape[1])
            pca = PCA(count).fit(table)
            self.mean, self.basis = pca.mean_, pca.components_
        self.vectors = self._describe(faces)

    def _describe(self, faces: Array) -> Array:
        return (faces.reshape(len(faces), -1) - self.mean) @ self.basis.T

    def reconstruct(self, image: Array, components: int | None = None) -> Array:
        """Return what the first components keep of a face, H×W float32 in grey levels 0–1.

        Parameters
        ----------
        image
            A face, cut out as those that it learned from.
        components
            How many of the eigenfaces, 0 to all; all when None.
        """
        self._fitted("reconstruct")
        count = len(self.basis)
        if components is not None:
            count = integer("Eigenfaces.reconstruct", "components", components, 0, count)
        vector = self._describe(self._faces("Eigenfaces.reconstruct", [image]))[0, :count]
        face = self.mean + vector @ self.basis[:count]
        return np.clip(face / 255, 0, 1).astype(np.float32).reshape(self.size)

    def pictures(self, most: int = 16) -> Array:
        """Return the first eigenfaces as N×H×W float32 pictures, 0.5 where they say nothing.

        Parameters
        ----------
        most
            How many at most, ≥ 1.
        """
        self._fitted("pictures")
        basis = self.basis[: integer("Eigenfaces.pictures", "most", most, 1)]
        return signed_pictures(basis, self.size)

    def _state(self) -> dict[str, Array]:
        return {"mean": self.mean, "basis": self.basis}

    def _restore(self, arrays: dict[str, Array]) -> None:
        self.mean, self.basis, self.components = arrays["mean"], arrays["basis"], len(arrays["basis"])
        if self.basis.shape[1:] != self.mean.shape or self.mean.size != self.size[0] * self.size[1]:
            raise ValueError("its eigenfaces are not of its size")


def signed_pictures(basis: Array, size: tuple[int, int]) -> Array:
    """Return K×H×W float32 pictures 0–1 of K directions: 0.5 is none, the strongest pixel of each is 0 or 1."""
    top = np.maximum(np.abs(basis).max(axis=1, keepdims=True), 1e-12)
    return (0.5 + 0.5 * basis / top).astype(np.float32).reshape(-1, *size)


_listed = method(task="recognition", paper="Turk & Pentland 1991", lesson="w8d3")(Eigenfaces)


@_listed.steps
def _steps(recognizer: Eigenfaces, image: Array) -> Iterator[Step]:
    face = recognizer._faces("Eigenfaces.predict", [image])
    yield Step("face", Picture(face[0]))
    mean = (recognizer.mean / 255).astype(np.float32).reshape(recognizer.size)
    yield Step("mean face", Picture(mean), note=f"Of the {len(recognizer)} photos that it learned from.")
    yield Step("difference", Heat(face[0] / np.float32(255) - mean), note="What is its own.")
    yield Step("eigenfaces", Grid(recognizer.pictures()), note="The directions in which faces differ most.")
    vector = recognizer._describe(face)[0]
    table = np.stack([np.arange(1, len(vector) + 1), vector], axis=1)[:12]
    yield Step("coordinates", Table(table, ("eigenface", "how much of it")), note="The face in a few numbers.")
    counts = [k for k in (0, 1, 4, 16, 64, 256) if k < len(recognizer.basis)] + [len(recognizer.basis)]
    made = np.stack([recognizer.reconstruct(image, k) for k in counts])
    yield Step("put together", Grid(made), note=f"From {', '.join(map(str, counts))} eigenfaces.")
    distances = np.sort(recognizer._apart(vector))
    curve = np.stack([np.arange(len(distances)), distances], axis=1).astype(np.float64)
    yield Step("distances", Curve(curve, ("photo, nearest first", "distance"), recognizer.threshold))
    found = recognizer.predict(image)
    yield Step("recognised", Value(found), Picture(face[0]), note=f"The nearest photo is one of {found.nearest}.")
