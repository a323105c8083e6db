"""What a classifier says of every place in the plane, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.types import Array
from sightline.learn.estimator import Classifier, as_table, as_targets
from sightline.learn.scatter_picture import Plane

_INK, _PAPER = (20, 20, 20), 0.68  # of lines; how much white the regions' colours have


def decision_picture(
    classifier: Classifier,
    samples: Array,
    y: Array,
    *,
    marked: Sequence[int] | Array = (),
    levels: Sequence[float] = (),
    lines: Sequence[Array] = (),
    side: int = 360,
) -> Array:
    """Return a side×side×3 uint8 picture: the class of each place in a light colour, the samples in full colours.

    Parameters
    ----------
    classifier
        Fitted to two columns; its classes are those of ``y``.
    samples, y
        N×2 samples and their N labels.
    marked
        Indices of samples that get a ring.
    levels
        Where the decision of a classifier of two classes has one of these values, a line is drawn.
    lines
        Polylines M×2 in the samples' coordinates.
    side
        Pixels, 16–2000.

    Examples
    --------
    >>> from sightline.learn import KNN
    >>> samples, y = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1])
    >>> decision_picture(KNN(1).fit(samples, y), samples, y, side=32).shape
    (32, 32, 3)
    """
    table = as_table("decision_picture", samples, columns=2)
    _, index = as_targets("decision_picture", y, len(table))
    plane = Plane(table, side)
    grid = _places(plane)
    numbers = np.searchsorted(classifier.classes_, classifier.predict(grid)).reshape(side, side)
    colours = np.array([colour_of(c) for c in range(len(classifier.classes_))])
    paper = 255 - (255 - colours[numbers]) * (1 - _PAPER)
    if len(levels):
        decide: Callable[[Array], Array] = getattr(classifier, "decision_function")  # noqa: B009 - not all have one
        values = decide(grid).reshape(side, side)
        for level in levels:
            paper[_edges(values > level)] = _INK
    canvas = Canvas(np.rint(paper).astype(np.uint8))
    points = plane.places(table)
    canvas.dots(points[list(marked)], _INK, 6)
    for c in range(len(classifier.classes_)):
        canvas.dots(points[index == c], colour_of(c), 4)
    for line in lines:
        canvas.line(plane.places(line), _INK)
    return canvas.image()


def _places(plane: Plane) -> Array:
    """Return the samples that lie at the centres of the sheet's pixels, row after row."""
    zero, right, up = plane.places(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    x = (np.arange(plane.side) - zero[0]) / (right - zero)[0]
    y = (np.arange(plane.side) - zero[1]) / (up - zero)[1]
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _edges(mask: Array) -> Array:
    edges = np.zeros_like(mask)
    edges[:-1] |= mask[:-1] != mask[1:]
    edges[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    return edges
