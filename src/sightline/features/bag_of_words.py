"""Bags of words: an image as how often each visual word occurs in it, to find images that look alike.

Sivic & Zisserman 2003, "Video Google: A Text Retrieval Approach to Object Matching in Videos", ICCV, sections 3 and 4;
Csurka, Dance, Fan, Willamowski & Bray 2004, "Visual Categorization with Bags of Keypoints", ECCV workshop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import as_image, choice, describe, integer
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Picture, Points, Table, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step, Trace
from sightline.core.types import Array, PathLike, Seed
from sightline.features.hog import hog_blocks
from sightline.features.keypoints import Features
from sightline.features.sift import sift
from sightline.features.spatial_pyramid import spatial_pyramid
from sightline.features.vocabulary import Vocabulary, flat, kmeans, mean_shift, tree
from sightline.features.word_classifiers import LinearScores, scores_of
from sightline.image.resize import resize
from sightline.learn.linear_svm import LinearSVM
from sightline.learn.naive_bayes import NaiveBayes

METHODS = ("kmeans", "hierarchical", "mean_shift")
FEATURES = ("sift", "dense")
CLASSIFIERS = ("svm", "naive_bayes")
_Described = tuple[Array, Array, tuple[int, int]]  # points, descriptors, height and width
_CELL, _SIDE = 4, 64  # dense features: pixels of a cell, and the least side that an image is enlarged to


@dataclass(frozen=True, eq=False)
class Retrieved:
    """Images that were found, the most alike first.

    Parameters
    ----------
    indices
        K int64: places in the list that was added.
    scores
        K float32 cosines from 0 to 1.
    """

    indices: Array
    scores: Array

    def __len__(self) -> int:
        return len(self.indices)

    def draw(self, query: Array, images: Sequence[Array], side: int = 160) -> Array:
        """Return the query and what was found beside it, side × (K + 1)·side × 3 uint8, with the scores.

        Parameters
        ----------
        query
            H×W or H×W×3.
        images
            The list that was added.
        side
            Of a tile in pixels.
        """
        tiles = []
        for number, image in enumerate([query, *(images[int(i)] for i in self.indices)]):
            picture = to_uint8(as_image("Retrieved.draw", image))
            picture = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
            canvas = Canvas(resize(picture, (side, side)))
            if number:
                canvas.text(f"{self.scores[number - 1]:.2f}", (0, 0), colour_of(2))
            tiles.append(canvas.image())
        return np.concatenate(tiles, axis=1)

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record an image."""
        return [{"index": int(i), "score": float(score)} for i, score in zip(self.indices, self.scores, strict=True)]


class BagOfWords:
    """A vocabulary of visual words; it describes images, finds those that look alike, and tells classes apart.

    Parameters
    ----------
    words
        Size of the vocabulary, 2–1,000,000. A tree's may differ by some; mean shift finds this many at most.
    method
        ``kmeans``; ``hierarchical``, k-means within k-means, for large vocabularies; or ``mean_shift``, the peaks of
        the descriptors' density, which are not drawn to where most descriptors are.
    features
        What images are described by: ``sift`` at keypoints, or ``dense``, blocks of oriented gradients 4 pixels
        apart (an image of fewer than 64 pixels along its shorter side is enlarged first).
    levels
        Of the spatial pyramid, 0–4: 0 forgets where words are.
    seed
        Whole number ≥ 0 or a generator: which descriptors the vocabulary starts from.
    """

    def __init__(
        self, words: int = 500, *, method: str = "kmeans", features: str = "sift", levels: int = 0, seed: Seed = 0
    ) -> None:
        self.words = integer("BagOfWords", "words", words, 2, 1_000_000)
        self.method = choice("BagOfWords", "method", method, METHODS)
        self.features = choice("BagOfWords", "features", features, FEATURES)
        self.levels = integer("BagOfWords", "levels", levels, 0, 4)
        self._random = generator(seed)
        self.vocabulary: Vocabulary | None = None
        self.weights = np.zeros(0, np.float32)
        self.classes: tuple[str, ...] = ()
        self._scores: LinearScores | None = None
        self._counted = "svm"
        self._known = np.zeros((0, 0), np.float32)

    def fit(self, images: Sequence[Any]) -> BagOfWords:
        """Learn the words, and how rare each is, from images; return the bag itself.

        Parameters
        ----------
        images
            Images (H×W or H×W×3; uint8, uint16 or float32), :class:`Features` with float32 descriptors, or such
            descriptors alone as (points N×2, descriptors N×D, (height, width)).
        """
        found = [self._described(image) for image in _listed("fit", images)]
        descriptors = np.concatenate([codes for _, codes, _ in found])
        if len(descriptors) < 2:
            raise InputError(
                f"BagOfWords.fit: the images must have at least 2 descriptors; got {len(descriptors)}."
                " Take images with texture, or features='dense'."
            )
        if self.method == "hierarchical":
            self.vocabulary = tree(descriptors, self.words, self._random)
        else:
            learn = kmeans if self.method == "kmeans" else mean_shift
            self.vocabulary = flat(learn(descriptors, self.words, self._random))
        counts = self._counts(found)
        self.weights = np.log(len(counts) / np.maximum((counts > 0).sum(axis=0), 1)).astype(np.float32)
        self._scores, self.classes, self._known = None, (), np.zeros((0, counts.shape[1]), np.float32)
        return self

    def transform(self, images: Sequence[Any], *, weighted: bool = True) -> Array:
        """Return N×D float32: how often each word occurs in each image, of length 1.

        Parameters
        ----------
        images
            As in :meth:`fit`.
        weighted
            Multiply by the logarithm of how rare a word is (tf-idf); else return the plain shares, of sum 1.
        """
        self._fitted("transform")
        counts = self._counts([self._described(image) for image in _listed("transform", images)])
        return self._weighted(counts) if weighted else counts

    def add(self, images: Sequence[Any]) -> BagOfWords:
        """Append images to those that :meth:`search` looks through; return the bag itself."""
        self._known = np.concatenate([self._known, self.transform(images)])
        return self

    def search(self, image: Any, k: int = 5) -> Retrieved:
        """Return the ``k`` images among those added whose words are most alike.

        Parameters
        ----------
        image
            As in :meth:`fit`, one.
        k
            How many, ≥ 1.
        """
        k = integer("BagOfWords.search", "k", k, 1)
        if not len(self._known):
            raise InputError("BagOfWords.search: there must be images to look through; got none. Call add(images).")
        scores = self._known @ self.transform([image])[0]
        order = np.argsort(-scores, kind="stable")[:k]
        return Retrieved(order, np.clip(scores[order], 0, 1))

    def trace(self, image: Any, k: int = 5) -> Trace:
        """Look for an image as :meth:`search` does; return the steps: descriptors, words, rare words, what was found.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32.
        k
            How many, ≥ 1; the value of the last step is the :class:`Retrieved`.
        """
        found = self.search(image, k)
        points, codes, _ = self._described(image)
        words = self._fitted("trace").assign(codes)
        often = np.bincount(words, minlength=len(self.weights))
        shares, weighted = (self.transform([image], weighted=w)[0] for w in (False, True))
        common, numbers = int(often.argmax()), np.arange(len(shares))
        places = points[words == common].astype(np.float32)
        table = np.column_stack([found.indices, found.scores])
        steps = (
            Step("descriptors", Picture(image), Points(points.astype(np.float32)), note=f"{len(points)} in the image."),
            Step("a word", Picture(image), Points(places), note=f"The most frequent: {len(places)} times."),
            Step("words", Curve(np.stack([numbers, shares], axis=1), ("word", "share")), note="How often each occurs."),
            Step("rare words", Curve(np.stack([numbers, weighted], axis=1), ("word", "share")),
                 note="The same, rare words counting more; of length 1."),
            Step("found", Value(found), Table(table, ("image", "cosine")), note="Images whose words are most alike."),
        )  # fmt: skip
        return Trace("features.BagOfWords", {"k": k}, steps)

    def fit_classes(
        self, images: Sequence[Any], labels: Sequence[str], *, classifier: str = "svm", cost: float = 10.0
    ) -> BagOfWords:
        """Learn to tell classes apart; return the bag itself.

        Parameters
        ----------
        images
            As in :meth:`fit`.
        labels
            A class name for each.
        classifier
            ``svm``, a linear machine on the square roots of the shares, or ``naive_bayes`` on the counts.
        cost
            Of an example on the wrong side of the margin, > 0 (``svm``).
        """
        self._counted = choice("BagOfWords.fit_classes", "classifier", classifier, CLASSIFIERS)
        names = sorted(set(labels))
        if len(names) < 2 or len(labels) != len(images):
            raise InputError(
                "BagOfWords.fit_classes: labels must be one for each image, of two classes at least;"
                f" got {len(labels)} for {len(images)} images, {len(names)} classes."
            )
        shares = self.transform(images, weighted=False)
        numbers = np.array([names.index(label) for label in labels])
        if classifier == "svm":
            machine = LinearSVM(cost, tolerance=1e-2, seed=self._random)
            self._scores = scores_of(machine.fit(np.sqrt(shares), numbers))
        else:
            self._scores = scores_of(NaiveBayes("multinomial").fit(shares * 100, numbers))
        self.classes = tuple(names)
        return self

    def predict(self, images: Sequence[Any]) -> list[str]:
        """Return the class name of each image."""
        if self._scores is None:
            raise InputError("BagOfWords.predict: classes must have been learned. Call fit_classes(images, labels).")
        shares = self.transform(images, weighted=False)
        found = self._scores.predict(np.sqrt(shares) if self._counted == "svm" else shares)
        return [self.classes[i] for i in found]

    def save(self, path: PathLike) -> str:
        """Write the vocabulary, the images added and the classes to an ``.npz`` archive; return its SHA-256."""
        vocabulary = self._fitted("save")
        scores = self._scores or LinearScores(np.zeros((0, 0), np.float32), np.zeros(0, np.float32))
        arrays = {
            "centres": vocabulary.centres,
            "children": vocabulary.children,
            "leaves": vocabulary.words,
            "weights": self.weights,
            "known": self._known,
            "settings": np.array([self.method, self.features, str(self.levels), str(self.words), self._counted]),
            "classes": np.array(self.classes, dtype=np.str_),
            "class_weights": scores.weights,
            "class_offsets": scores.offsets,
        }
        return write_arrays(path, arrays, compress=True)

    @classmethod
    def load(cls, path: PathLike) -> BagOfWords:
        """Read an archive that :meth:`save` wrote; nothing in it is executed.

        Parameters
        ----------
        path
            The file. :class:`FormatError` is raised when it is none, or damaged.
        """
        with read_arrays("BagOfWords.load", path, "an archive of a bag of words") as held:
            method, features, levels, words, counted = (str(word) for word in held["settings"])
            bag = cls(int(words), method=method, features=features, levels=int(levels))
            bag.vocabulary = Vocabulary(held["centres"], held["children"], held["leaves"])
            bag.weights, bag._known, bag._counted = held["weights"], held["known"], counted
            bag.classes = tuple(str(name) for name in held["classes"])
            if bag.classes:
                bag._scores = LinearScores(held["class_weights"], held["class_offsets"])
        return bag

    def _fitted(self, name: str) -> Vocabulary:
        if self.vocabulary is None:
            raise InputError(f"BagOfWords.{name}: the words must have been learned. Call fit(images).")
        return self.vocabulary

    def _described(self, image: Any) -> _Described:
        """Return points, descriptors and size of an image, or of what already is its description."""
        if isinstance(image, tuple):
            return image
        if isinstance(image, Features):
            if image.descriptors is None or image.is_binary:
                raise InputError("BagOfWords: features must have float32 descriptors; got binary ones, or none.")
            height, width = np.ceil(image.points.max(axis=0, initial=0)[::-1]).astype(int) + 1
            return image.points, image.descriptors, (int(height), int(width))
        picture = as_image("BagOfWords", image, finite=True)
        if self.features == "sift":
            found = sift(picture)
            assert found.descriptors is not None
            return found.points, found.descriptors, picture.shape[:2]
        return dense(picture)

    def _counts(self, described: Sequence[_Described]) -> Array:
        """Return the shares of the words in each image; all descriptors are held against the words at once."""
        vocabulary = self._fitted("transform")
        width = vocabulary.centres.shape[1]
        for _, descriptors, _ in described:
            if descriptors.ndim != 2 or descriptors.shape[1] != width or descriptors.dtype != np.float32:
                raise InputError(
                    f"BagOfWords: descriptors must be N×{width} float32, as the words are; got {describe(descriptors)}."
                )
        words = vocabulary.assign(np.concatenate([descriptors for _, descriptors, _ in described]))
        ends = np.cumsum([len(points) for points, _, _ in described])
        return np.stack(
            [
                spatial_pyramid(points, part, size, len(vocabulary), self.levels)
                for (points, _, size), part in zip(described, np.split(words, ends[:-1]), strict=True)
            ]
        )

    def _weighted(self, counts: Array) -> Array:
        weighted = counts * self.weights
        lengths = np.linalg.norm(weighted, axis=1, keepdims=True)
        return weighted / np.maximum(lengths, np.float32(1e-12))


def dense(image: Array) -> _Described:
    """Return the blocks of oriented gradients of an image as points N×2, descriptors N×36, and (height, width)."""
    height, width = image.shape[:2]
    if min(height, width) < _SIDE:
        factor = _SIDE / min(height, width)
        image = resize(image, (round(height * factor), round(width * factor)))
    blocks = hog_blocks(image, _CELL)
    y, x = np.mgrid[0 : blocks.shape[0], 0 : blocks.shape[1]]
    points = np.stack([x, y], axis=2).reshape(-1, 2) * float(_CELL) + _CELL - 0.5
    return points, blocks.reshape(points.shape[0], -1), image.shape[:2]


def _listed(name: str, images: Any) -> Sequence[Any]:
    if isinstance(images, (str, bytes, np.ndarray)) or not hasattr(images, "__len__") or not len(images):
        if isinstance(images, np.ndarray) and images.ndim == 4 and len(images):
            return list(images)
        raise InputError(f"BagOfWords.{name}: images must be a list of one image at least; got {describe(images)}.")
    return images
