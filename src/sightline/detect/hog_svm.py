"""A window slid over a picture of gradients at each size, and a linear machine that says what is in it.

Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection", IEEE Conference on Computer Vision and
Pattern Recognition: their detector of people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sightline.core.catalogue import method
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.features.hog_template import HogTemplate, template_steps


class HogSvm(HogTemplate):
    """A template of what is to be found, a person unless another is taught: a sum of edges decides for each window.

    The pictures of each size are made small instead of the window large. It is taught in rounds: windows of the
    backgrounds that fooled it are shown to it once more, as what they are.

    Parameters
    ----------
    weights
        M×N×D float32: what each of D = 4 · bins numbers of each of the window's M×N blocks of 2×2 cells counts for
        what is to be found, or against it. :meth:`train` and :meth:`load` make them.
    offset
        Added to each score.
    cell
        Side of a cell in pixels, 2–16; the window is (M + 1) · cell high and (N + 1) · cell wide. 8 when None.
    name
        What is found, as the class name of the detections; ``person`` when None.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human Detection", IEEE Conference on Computer Vision and
    Pattern Recognition, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> ground = np.random.default_rng(0).integers(0, 90, (64, 64), dtype=np.uint8)
    >>> post = np.pad(np.full((32, 6), 220, np.uint8), ((0, 0), (5, 5)))
    >>> posts = HogSvm.train([post], [ground], size=(32, 16), cell=4, name="post")
    >>> scene = ground.copy()
    >>> scene[16:48, 24:40] = post
    >>> posts.detect(scene).boxes.tolist()
    [[24.0, 16.0, 40.0, 48.0]]
    """

    SIZE: ClassVar[tuple[int, int]] = (128, 64)
    CELL: ClassVar[int] = 8
    NAME: ClassVar[str] = "person"


_listed = method(task="detection", paper="Dalal & Triggs 2005", lesson="w7d2")(HogSvm)


@_listed.steps
def _steps(
    detector: HogSvm, image: Array, scale: float = 1.1, stride: int = 1, threshold: float = 0.0
) -> Iterator[Step]:
    yield from template_steps(detector, image, scale, stride, threshold)
