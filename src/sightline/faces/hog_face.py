"""A window of histograms of gradients with a face's shape, and a linear machine.

Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection", IEEE Conference on Computer Vision and
Pattern Recognition: their detector, taught on faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from sightline.core.catalogue import method
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.features.hog_template import HogTemplate, template_steps


class HogFace(HogTemplate):
    """A template of a face's edges: a window is a face when its gradients, weighted and summed up, exceed a limit.

    Parameters
    ----------
    weights
        M×N×D float32: what each of D = 4 · bins numbers of each of the window's M×N blocks of 2×2 cells counts for a
        face, or against one. :meth:`train` and :meth:`load` make them.
    offset
        Added to each score.
    cell
        Side of a cell in pixels, 2–16; the window is (M + 1) · cell high and (N + 1) · cell wide. 6 when None.
    name
        What is found, as the class name of the detections; ``face`` when None.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human Detection", IEEE Conference on Computer Vision and
    Pattern Recognition, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> ground = np.random.default_rng(0).integers(0, 90, (64, 64), dtype=np.uint8)
    >>> ring = np.pad(np.full((12, 12), 220, np.uint8), 6)
    >>> rings = HogFace.train([ring], [ground], size=(24, 24), cell=4)
    >>> scene = ground.copy()
    >>> scene[16:40, 24:48] = ring
    >>> rings.detect(scene).boxes.tolist()
    [[24.0, 16.0, 48.0, 40.0]]
    """

    SIZE: ClassVar[tuple[int, int]] = (48, 48)
    CELL: ClassVar[int] = 6
    NAME: ClassVar[str] = "face"


_listed = method(task="detection", paper="Dalal & Triggs 2005", lesson="w7d2")(HogFace)


@_listed.steps
def _steps(
    detector: HogFace, image: Array, scale: float = 1.1, stride: int = 1, threshold: float = 0.0
) -> Iterator[Step]:
    yield from template_steps(detector, image, scale, stride, threshold)
