"""Fisherfaces: the directions that tell people apart, whatever the light and the expression.

Belhumeur, Hespanha & Kriegman 1997, "Eigenfaces vs. Fisherfaces: Recognition Using Class Specific Linear Projection",
IEEE Trans. Pattern Analysis and Machine Intelligence 19(7): principal components first, so many that what is within
people can be inverted, then linear discriminants.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Grid, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.faces.eigenfaces import signed_pictures
from sightline.faces.recognizer import Recognizer
from sightline.learn.lda import LDA
from sightline.learn.pca import PCA

_FOLDS = 5  # parts of the people, each left out once to learn how near strangers come


class Fisherfaces(Recognizer):
    """Recognises faces by the nearest photo along the linear discriminants of people.

    Parameters
    ----------
    components
        How many Fisherfaces, ≥ 1; one fewer than there are people at most, and that many when None.
    threshold
        Distance beyond which a face is somebody unknown, 0–2: that of the ends of two arrows of length 1, whatever the
        number of discriminants. None knows nobody as unknown.

    References
    ----------
    P. N. Belhumeur, J. P. Hespanha, D. J. Kriegman, "Eigenfaces vs. Fisherfaces: Recognition Using Class Specific
    Linear Projection", IEEE Transactions on Pattern Analysis and Machine Intelligence 19(7), 1997.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.tile(np.arange(0, 160, 20, dtype=np.uint8), (8, 1))
    >>> faces = [ramp, ramp + 30, ramp.T, ramp.T + 40]
    >>> Fisherfaces().fit(faces, ["Ann", "Ann", "Bob", "Bob"]).predict(ramp.T + 90).label
    'Bob'
    """

    kind = "fisherfaces"

    def __init__(self, components: int | None = None, *, threshold: float | None = None) -> None:
        super().__init__(threshold)
        self.components = None if components is None else integer("Fisherfaces", "components", components, 1)

    def _learn(self, faces: Array, labels: Array) -> None:
        people = len(np.unique(labels))
        if people < 2 or len(faces) <= people:
            raise InputError(
                "Fisherfaces.fit: images must be of two people at least, one of them with two photos or more;"
                f" got {len(faces)} photos of {people}. LBPHRecognizer takes one photo a person."
            )
        table = faces.reshape(len(faces), -1).astype(np.float64)
        pca = PCA(min(len(faces) - people, table.shape[1])).fit(table)
        self.principal = pca.transform(table)
        directions = _discriminants(self.principal, labels)[: self.components or people]
        self.mean, self.basis = pca.mean_, directions @ pca.components_
        self.vectors = self._describe(faces)

    def _describe(self, faces: Array) -> Array:
        return _unit((faces.reshape(len(faces), -1) - self.mean) @ self.basis.T)

    def suggest_threshold(self, accepted: float = 0.05) -> float:
        """Return the distance within which only few photos of strangers have a photo; see ``threshold``.

        The discriminants tell apart the people whom they know far better than others. So a fifth of the people at a
        time is left out when they are found, and asked for.

        Parameters
        ----------
        accepted
            Share of the strangers' photos that may be taken for somebody, 0–1. With too few people to leave any out,
            it is said of the photos of those who are known, as by the other recognisers.
        """
        self._fitted("suggest_threshold")
        share = number("Fisherfaces.suggest_threshold", "accepted", accepted, 0, 1)
        people, found = np.unique(self.labels), []
        for turn in range(_FOLDS):
            known = ~np.isin(self.labels, people[turn::_FOLDS])
            count = len(np.unique(self.labels[known]))
            kept = int(known.sum()) - count  # so many that what is within people can be inverted
            if known.all() or count < 2 or kept < 1:
                continue
            table = self.principal[:, :kept]
            directions = _discriminants(table[known], self.labels[known])[: self.components or count]
            vectors = _unit(table @ directions.T)
            likeness = vectors[~known] @ vectors[known].T
            found.append(np.sqrt(np.maximum(2 - 2 * likeness.max(axis=1), 0)))
        return float(np.quantile(np.concatenate(found), share)) if found else super().suggest_threshold(share)

    def pictures(self, most: int = 16) -> Array:
        """Return the first Fisherfaces as N×H×W float32 pictures, 0.5 where they say nothing.

        Parameters
        ----------
        most
            How many at most, ≥ 1.
        """
        self._fitted("pictures")
        return signed_pictures(self.basis[: integer("Fisherfaces.pictures", "most", most, 1)], self.size)

    def _state(self) -> dict[str, Array]:
        return {"mean": self.mean, "basis": self.basis, "principal": self.principal}

    def _restore(self, arrays: dict[str, Array]) -> None:
        self.mean, self.basis, self.components = arrays["mean"], arrays["basis"], len(arrays["basis"])
        self.principal = arrays["principal"]
        if self.basis.shape[1:] != self.mean.shape or self.mean.size != self.size[0] * self.size[1]:
            raise ValueError("its Fisherfaces are not of its size")


def _discriminants(table: Array, labels: Array) -> Array:
    """Return the linear discriminants of samples as rows, of length 1.

    How narrow a few photos are along a direction would else be believed too much.
    """
    directions = LDA().fit(table, labels).scalings_.T
    directions = directions[: min(len(np.unique(labels)) - 1, len(directions))]
    return _unit(directions)


def _unit(rows: Array) -> Array:
    """Return rows of length 1; what is 0 stays 0."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


_listed = method(task="recognition", paper="Belhumeur et al. 1997", lesson="w8d3")(Fisherfaces)


@_listed.steps
def _steps(recognizer: Fisherfaces, image: Array) -> Iterator[Step]:
    face = recognizer._faces("Fisherfaces.predict", [image])
    yield Step("face", Picture(face[0]))
    mean = (recognizer.mean / 255).astype(np.float32).reshape(recognizer.size)
    yield Step("mean face", Picture(mean))
    note = "What tells people apart, and what light changes is left out."
    yield Step("Fisherfaces", Grid(recognizer.pictures()), note=note)
    distances = np.sort(recognizer._apart(recognizer._describe(face)[0]))
    curve = np.stack([np.arange(len(distances)), distances], axis=1).astype(np.float64)
    yield Step("distances", Curve(curve, ("photo, nearest first", "distance"), recognizer.threshold))
    found = recognizer.predict(image)
    yield Step("recognised", Value(found), Picture(face[0]), note=f"The nearest photo is one of {found.nearest}.")
