"""R-CNN: every proposed region is warped, described by a trained classifier, and judged by a support vector machine.

Girshick, Donahue, Darrell and Malik 2014, "Rich Feature Hierarchies for Accurate Object Detection and Semantic
Segmentation", CVPR: proposals by selective search and warping with context (section 2.1), one machine for each class,
taught with hard negatives (2.3), and a regression of the box (3.4 and appendix C). The network itself is not taught.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.core.box_overlap import as_boxes, pairwise_iou
from sightline.core.box_suppression import suppress
from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.core.types import Array, Image, Range
from sightline.image import selective_search
from sightline.learn import LinearSVM
from sightline.nn.box_code import BoxCode

CONTEXT = 16 / 227  # of the warped side: what is seen around a region (appendix A)
BACKGROUND, LIKE, TWICE = 0.3, 0.6, 0.3  # overlaps: below it background; from it taught to the boxes; above it the same
RIDGE = 1000.0  # λ of the regression (appendix C)
LENGTH = 20.0  # that descriptions are brought to on average, so that one C suits any network
ROUNDS, FIRST = 2, 20  # of hard negatives; backgrounds of an image that the first round begins with
PLACES, AT_ONCE = 2, 64  # a map becomes 2×2 averages; regions that go through the network together


class RCNN:
    """Regions of an image, each described and judged by itself.

    Parameters
    ----------
    network
        With ``features``: from N×3×side×side float32 in 0–1 to N×C×H×W maps.
    names
        Of the classes.
    side
        That regions are warped to, in pixels.
    propose
        Makes N×4 xyxy boxes of an H×W×3 uint8 image.
    cost
        C of the support vector machines.

    Attributes
    ----------
    machines
        One for each class, after :meth:`fit`.
    shifts
        For each class the weights of the regression, (D + 1)×4, the offsets last.
    """

    def __init__(
        self, network: Any, names: Sequence[str], *, side: int, propose: Callable[[Array], Array], cost: float
    ) -> None:
        self.network, self.names, self.side, self.propose, self.cost = network, tuple(names), side, propose, cost
        self.machines: list[LinearSVM] = []
        self.shifts: list[Array] = []
        self.scale = 1.0  # of descriptions
        self.code = BoxCode()

    def fit(self, images: Sequence[Image], boxes: Sequence[Array], labels: Sequence[Array]) -> RCNN:
        """Teach the machines and the regressions; return the detector itself.

        Parameters
        ----------
        images
            H×W or H×W×3; uint8, uint16 or float32.
        boxes
            For each image M×4 xyxy; M may be 0.
        labels
            For each image M class indices in 0…classes − 1.
        """
        if not len(images) or not len(images) == len(boxes) == len(labels):
            raise InputError(
                "rcnn: images, boxes and labels must be of one length ≥ 1; "
                f"got {len(images)}, {len(boxes)} and {len(labels)}."
            )
        truths = [as_boxes("rcnn", one) for one in boxes]
        proposals = [self._proposed(image) for image in images]
        self.scale = 1.0
        seen = [self.describe(image, part) for image, part in zip(images, proposals, strict=True)]
        lengths = np.linalg.norm(np.concatenate(seen), axis=1)
        self.scale = LENGTH / max(float(lengths.mean()), 1e-12) if len(lengths) else 1.0
        seen = [part * self.scale for part in seen]
        known = [self.describe(image, part) for image, part in zip(images, truths, strict=True)]
        self.machines, self.shifts = [], []
        for index, name in enumerate(self.names):
            own = [np.asarray(label) == index for label in labels]
            if not any(part.any() for part in own):
                raise InputError(f"rcnn: labels must have every class; none of the images has a box of '{name}'.")
            mine = [truth[part] for truth, part in zip(truths, own, strict=True)]
            overlaps = [pairwise_iou(part, truth) for part, truth in zip(proposals, mine, strict=True)]
            rest = [x[table.max(axis=1, initial=0) < BACKGROUND] for x, table in zip(seen, overlaps, strict=True)]
            good = np.concatenate([x[part] for x, part in zip(known, own, strict=True)])
            self.machines.append(_teach(good, rest, self.cost))
            self.shifts.append(self._regress(proposals, seen, mine, overlaps))
        return self

    def detect(self, image: Image, *, threshold: float = 0.0) -> Detections:
        """Return what is found in an image, best first.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32. NaN and infinity are refused.
        threshold
            Margin that a box must exceed; 0 is the plane between the class and the rest. Scores are the logistic
            function of margins: 1/2 at the plane.
        """
        if not self.machines:
            raise InputError("rcnn: nothing was taught yet; call fit(images, boxes, labels) first.")
        threshold = number("rcnn", "threshold", threshold)
        proposals = self._proposed(image)
        seen = self.describe(image, proposals)
        found = []
        for index, (machine, shift) in enumerate(zip(self.machines, self.shifts, strict=True)):
            margins = machine.decision_function(seen) if len(seen) else np.empty(0)
            above = np.flatnonzero(margins > threshold)
            kept = above[suppress(proposals[above], margins[above], TWICE)]
            boxes = self._moved(proposals[kept], seen[kept], shift, image.shape[:2])
            found.append((boxes, margins[kept], np.full(len(kept), index)))
        boxes, margins, labels = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(-margins, kind="stable")
        scores = 1 / (1 + np.exp(-margins[order]))
        return Detections(boxes[order], scores, labels[order], self.names)

    @torch.inference_mode()
    def describe(self, image: Image, boxes: Array) -> Array:
        """Return N×D float64: what the network makes of each region, warped, averaged in 2×2 places.

        Parameters
        ----------
        image
            H×W or H×W×3.
        boxes
            N×4 xyxy.
        """
        pixels = torch.from_numpy(_colour(image)).permute(2, 0, 1)[None]
        self.network.eval()
        parts = [
            F.adaptive_avg_pool2d(self.network.features(warp(pixels, part, self.side)), PLACES).flatten(1)
            for part in torch.from_numpy(np.asarray(boxes, np.float32).reshape(-1, 4)).split(AT_ONCE)
            if len(part)
        ]
        return torch.cat(parts).double().numpy() * self.scale if parts else np.empty((0, self._depth()))

    def _depth(self) -> int:
        return self.network.features(torch.zeros(1, 3, self.side, self.side)).shape[1] * PLACES**2

    def _proposed(self, image: Image) -> Array:
        bytes_ = np.round(_colour(image) * 255).astype(np.uint8)
        return np.asarray(self.propose(bytes_), np.float64).reshape(-1, 4)

    def _regress(self, proposals: list[Array], seen: list[Array], mine: list[Array], overlaps: list[Array]) -> Array:
        """Return the ridge regression from descriptions to codes, over proposals that are near a true box."""
        inputs, wanted = [], []
        for part, x, truth, table in zip(proposals, seen, mine, overlaps, strict=True):
            near = np.flatnonzero(table.max(axis=1, initial=0) >= LIKE)
            if len(near):
                inputs.append(x[near])
                pair = (torch.from_numpy(truth[table[near].argmax(axis=1)]), torch.from_numpy(part[near]))
                wanted.append(self.code.encode(*pair).numpy())
        depth = seen[0].shape[1]
        if not inputs:
            return np.zeros((depth + 1, 4))
        return ridge(np.concatenate(inputs), np.concatenate(wanted), RIDGE)

    def _moved(self, boxes: Array, seen: Array, shift: Array, size: tuple[int, ...]) -> Array:
        codes = torch.from_numpy(seen @ shift[:-1] + shift[-1])
        moved = self.code.decode(codes, torch.from_numpy(boxes)).numpy()
        return moved.clip(0, [size[1], size[0], size[1], size[0]])


def warp(pixels: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Return N×3×side×side: regions with some context, stretched to squares; outside is the image's mean colour.

    Parameters
    ----------
    pixels
        1×3×H×W in 0–1.
    boxes
        N×4 xyxy.
    side
        Pixels.
    """
    height, width = pixels.shape[-2:]
    grow = (boxes[:, 2:] - boxes[:, :2]) * (CONTEXT / (1 - 2 * CONTEXT))
    low, high = boxes[:, :2] - grow, boxes[:, 2:] + grow
    share = (torch.arange(2 * side) + 0.5) / (2 * side)  # two samples a pixel, so that large regions do not flicker
    at = low[:, None] + share[:, None] * (high - low)[:, None]  # N×2·side×2
    at = 2 * at / torch.tensor([width, height]) - 1
    x, y = at[:, None, :, 0], at[:, :, None, 1]
    grid = torch.stack(torch.broadcast_tensors(x, y), dim=-1)
    mean = pixels.mean(dim=(2, 3), keepdim=True)
    read = F.grid_sample((pixels - mean).expand(len(boxes), -1, -1, -1), grid, align_corners=False)
    return F.avg_pool2d(read, 2) + mean


def ridge(inputs: Array, targets: Array, weight: float) -> Array:
    """Return the weights W and offsets c of least Σ‖xW + c − y‖² + λ‖W‖², (D + 1)×K, the offsets last.

    Parameters
    ----------
    inputs, targets
        N×D and N×K.
    weight
        λ > 0.
    """
    middle, level = inputs.mean(axis=0), targets.mean(axis=0)
    x, y = inputs - middle, targets - level
    # The smaller of the two systems: W = xᵀ (x xᵀ + λI)⁻¹ y = (xᵀx + λI)⁻¹ xᵀ y.
    if len(x) < x.shape[1]:
        slopes = x.T @ np.linalg.solve(x @ x.T + weight * np.eye(len(x)), y)
    else:
        slopes = np.linalg.solve(x.T @ x + weight * np.eye(x.shape[1]), x.T @ y)
    return np.concatenate([slopes, (level - middle @ slopes)[None]])


def _teach(good: Array, rest: Sequence[Array], cost: float) -> LinearSVM:
    """Return a machine that knows the class from the backgrounds it took for it in the round before."""
    chosen = np.concatenate([part[:FIRST] for part in rest])
    machine = LinearSVM(cost)
    for _ in range(ROUNDS):
        if not len(chosen):
            raise InputError("rcnn: images must have background; every proposal overlaps a true box.")
        samples = np.concatenate([good, chosen])
        machine = LinearSVM(cost).fit(samples, np.repeat([1, 0], [len(good), len(chosen)]))
        every = np.concatenate(list(rest))
        hard = every[machine.decision_function(every) > -1]  # within the street or beyond it
        chosen = np.unique(np.concatenate([chosen, hard]), axis=0)
    return machine


def _colour(image: Image) -> Array:
    pixels = to_float(as_image("rcnn", image, finite=True))
    return np.ascontiguousarray(np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels)


@method(task="detection", paper="Girshick 2014", lesson="w7d3")
def rcnn(
    network: Any,
    names: Sequence[str],
    *,
    side: Annotated[int, Range(16, 512)] = 128,
    limit: Annotated[int, Range(1, 10000)] = 500,
    cost: Annotated[float, Range(1e-6, 1e6)] = 1e-3,
    propose: Callable[[Array], Array] | None = None,
) -> RCNN:
    """R-CNN on a trained classifier, itself still to be taught with ``fit(images, boxes, labels)``.

    Parameters
    ----------
    network
        A convolutional network of ``sightline.classify``, trained: its ``features`` describe the regions.
    names
        Of the classes, at least one.
    side
        That regions are warped to, in pixels; 227 in the paper.
    limit
        Most proposals of an image, ≥ 1, when selective search makes them; about 2000 in the paper.
    cost
        C of the support vector machines, > 0.
    propose
        Makes N×4 xyxy boxes of an H×W×3 uint8 image; None takes one hierarchy of
        :func:`sightline.image.selective_search`.

    Returns
    -------
    RCNN
        ``fit`` teaches it, ``detect(image)`` returns :class:`~sightline.core.results.Detections`.

    Raises
    ------
    InputError
        When an argument is out of its range, or the network gives no maps.

    References
    ----------
    R. Girshick, J. Donahue, T. Darrell, J. Malik, "Rich Feature Hierarchies for Accurate Object Detection and Semantic
    Segmentation", CVPR 2014.

    Examples
    --------
    >>> from sightline.classify import squeezenet
    >>> rcnn(squeezenet(10), ["raccoon"], side=64).names
    ('raccoon',)
    """
    if not callable(getattr(network, "features", None)):
        raise InputError(
            f"rcnn: network must have features, as the convolutional ones of sightline.classify do; "
            f"got {type(network).__name__}."
        )
    if isinstance(names, str) or not len(names):
        raise InputError(f"rcnn: names must be a list of at least one class name; got {names!r}.")
    side, limit = integer("rcnn", "side", side, 16), integer("rcnn", "limit", limit, 1)
    cost = number("rcnn", "cost", cost, 0, above=0)
    if propose is None:
        propose = partial(selective_search, mode="single", min_size=20, limit=limit)
    return RCNN(network, names, side=side, propose=propose, cost=cost)
