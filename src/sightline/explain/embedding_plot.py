"""Embedding plot: pictures laid out by what a network makes of them, so that like lies by like.

Pearson 1901, "On Lines and Planes of Closest Fit to Systems of Points in Space", Philosophical Magazine 2(11): the two
directions in which the features vary most; or, where neighbours matter and distances do not, van der Maaten, Hinton
2008, "Visualizing Data using t-SNE", JMLR 9.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor, nn

from sightline.core.canvas import PALETTE, colour_of, label_colours
from sightline.core.catalogue import method
from sightline.core.checks import choice
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.files import write_text
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Choice, PathLike, Seed
from sightline.learn import TSNE
from sightline.nn.probe import as_batch, numbers_of, picture_of, probing

_SIDE = 64  # pixels of a thumbnail
_AT_ONCE = 64  # images in one forward pass
_PERPLEXITY = 30.0  # neighbours of a picture, where there are enough
_PAGE = "embedding.html"


@dataclass(frozen=True, eq=False)
class EmbeddingPlot:
    """Where each picture lies among the others.

    Parameters
    ----------
    points
        N×2 float32, the coordinates along the two directions, or on the map of neighbours.
    explained
        Share of the features' variance along each of the two, 0–1; empty for a map of neighbours, which has no such.
    features
        N×D float32, what the network's last layer with weights reads.
    thumbnails
        N×64×64×3 uint8.
    labels
        A name for each picture; empty where none were given.
    """

    points: np.ndarray
    explained: tuple[float, ...]
    features: np.ndarray
    thumbnails: np.ndarray
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.points)

    def draw(self, size: int = 800) -> np.ndarray:
        """Return the map as a picture, size×size×3 uint8: thumbnails at their places, the last ones on top."""
        sheet = np.full((size, size, 3), 255, np.uint8)
        side = max(16, min(_SIDE, size // 20))
        for thumbnail, (x, y), label in zip(
            self.thumbnails, self._unit(), self.labels or [""] * len(self), strict=True
        ):
            small = np.asarray(PillowImage.fromarray(thumbnail).resize((side - 4, side - 4)))
            framed = np.full((side, side, 3), self._colour(label), np.uint8)
            framed[2:-2, 2:-2] = small
            left, top = round(float(x) * (size - side)), round(float(1 - y) * (size - side))
            sheet[top : top + side, left : left + side] = framed
        return sheet

    def to_html(self, title: str = "Embedding") -> str:
        """Return the map as one self-contained page: point at a picture, or go from one to the next by the arrow keys.

        Parameters
        ----------
        title
            Its heading.
        """
        names = sorted(set(self.labels))
        told = {
            "points": np.round(self._unit(), 5).tolist(),
            "labels": [names.index(label) for label in self.labels],
            "names": names,
            "colours": ["#{:02x}{:02x}{:02x}".format(*self._colour(name)) for name in names or [""]],
            "side": _SIDE,
            "columns": int(np.ceil(np.sqrt(len(self)))),
            "about": f"{len(self)} pictures, {self._about()}",
        }
        page = resources.files("sightline.explain").joinpath(_PAGE).read_text("utf-8")
        data = json.dumps(told, ensure_ascii=False).replace("</", "<\\/")
        return (
            page.replace("{{title}}", html.escape(title)).replace("{{sheet}}", self._sheet()).replace("{{data}}", data)
        )

    def save(self, path: PathLike, title: str = "Embedding") -> str:
        """Write the page to ``path``; return its SHA-256."""
        return write_text(path, self.to_html(title))

    def to_json(self) -> dict[str, Any]:
        """Return points, shares and labels as plain JSON values."""
        return {"points": self.points.tolist(), "explained": list(self.explained), "labels": list(self.labels)}

    def _about(self) -> str:
        if not self.explained:
            return "laid out by t-SNE, so that neighbours stay neighbours; distances between far groups mean little."
        across, up = (100 * share for share in self.explained)
        return (
            f"laid out by the two directions in which their features vary most: {across:.1f} % of the variance across, "
            f"{up:.1f} % up, {max(0.0, 100 - across - up):.1f} % not shown."
        )

    def _colour(self, label: str) -> tuple[int, int, int]:
        names = sorted(set(self.labels))
        if label not in names:
            return (120, 120, 120)
        if len(names) <= len(PALETTE):
            return colour_of(names.index(label))
        red, green, blue = label_colours(np.array([[names.index(label) + 1]]))[0, 0].tolist()
        return red, green, blue

    def _unit(self) -> np.ndarray:
        """Return the points in 0–1, both axes by the same scale."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        span = max(float((high - low).max()), 1e-12)
        return (self.points - (low + high) / 2) / span + 0.5

    def _sheet(self) -> str:
        """Return all thumbnails on one sheet, as a data address."""
        columns = int(np.ceil(np.sqrt(len(self))))
        sheet = np.zeros((-(-len(self) // columns) * _SIDE, columns * _SIDE, 3), np.uint8)
        for i, thumbnail in enumerate(self.thumbnails):
            y, x = i // columns * _SIDE, i % columns * _SIDE
            sheet[y : y + _SIDE, x : x + _SIDE] = thumbnail
        stream = io.BytesIO()
        PillowImage.fromarray(sheet).save(stream, "jpeg", quality=88)
        return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


@method(task="explanation", paper="Pearson 1901", lesson="w5d6")
def embedding_plot(
    model: nn.Module,
    images: Tensor | Sequence[np.ndarray],
    labels: Sequence[str] = (),
    *,
    layout: Annotated[str, Choice("pca", "tsne")] = "pca",
    seed: Seed = 0,
) -> EmbeddingPlot:
    """Return a map of pictures, laid out by the two directions in which their features vary most, or by neighbours.

    The features are what the network's last linear layer reads; of one without, the mean over places of what its last
    convolution reads. ``"pca"`` is linear (a principal component analysis), so that distances on the map are never
    larger than those between the features, and ``explained`` says how much of the whole it shows. ``"tsne"`` keeps
    neighbours together (:class:`sightline.learn.TSNE`). NaN and infinity in the images are refused. The model is left
    as it was: mode, gradients, parameters, hooks.

    Parameters
    ----------
    model
        Classifier of B×C×H×W in 0–1.
    images
        N×C×H×W float32 tensor in 0–1, or a list of arrays of one size (H×W or H×W×C), as the model takes them; N ≥ 3.
    labels
        A name for each picture, which becomes its colour.
    layout
        ``"pca"`` or ``"tsne"``.
    seed
        Whole number ≥ 0 or a generator, of ``"tsne"``.

    Returns
    -------
    EmbeddingPlot
        With ``points``, ``explained``, ``features``; ``save("map.html")`` writes one self-contained page to hover over.

    Raises
    ------
    InputError
        When there are fewer than three images, labels of another number, or neither a linear layer nor a convolution.

    References
    ----------
    Pearson, "On Lines and Planes of Closest Fit to Systems of Points in Space", Philosophical Magazine 2(11), 1901.
    L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", Journal of Machine Learning Research 9, 2008.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import embedding_plot
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    >>> found = embedding_plot(model, torch.rand(5, 1, 4, 4), labels="aabbb")
    >>> found.points.shape, found.features.shape
    ((5, 2), (5, 16))
    """
    batch, layout = _batch(model, images), choice("embedding_plot", "layout", layout, ("pca", "tsne"))
    if len(batch) < 3:
        raise InputError(f"embedding_plot: images must be three or more; got {len(batch)}.")
    if labels and len(labels) != len(batch):
        raise InputError(f"embedding_plot: labels must be one for each of {len(batch)} images; got {len(labels)}.")
    features = _features(model, batch)
    points, explained = _principal(features) if layout == "pca" else (_neighbours(features, seed), ())
    thumbnails = np.stack([_thumbnail(picture_of(batch[i : i + 1])) for i in range(len(batch))])
    return EmbeddingPlot(points, explained, features, thumbnails, tuple(map(str, labels)))


@embedding_plot.steps
def _(
    model: nn.Module,
    images: Tensor | Sequence[np.ndarray],
    labels: Sequence[str] = (),
    *,
    layout: str = "pca",
    seed: Seed = 0,
) -> Iterator[Step]:
    found = embedding_plot(model, images, labels, layout=layout, seed=seed)
    size = found.features.shape
    yield Step("features", Heat(found.features), note=f"A row for each of {size[0]} pictures, {size[1]} numbers each.")
    told = (
        f"It shows {sum(found.explained):.0%} of the features' variance." if found.explained else "Neighbours stay so."
    )
    yield Step("map", Value(found), Picture(found.draw()), note=told)


def _batch(model: nn.Module, images: Tensor | Sequence[np.ndarray]) -> Tensor:
    """Return the images as one batch."""
    if isinstance(images, Tensor):
        return as_batch("embedding_plot", model, images)[0]
    if isinstance(images, np.ndarray) or not images or len({np.shape(image) for image in images}) != 1:
        raise InputError("embedding_plot: images must be an N×C×H×W tensor, or a list of arrays of one size.")
    return torch.cat([as_batch("embedding_plot", model, image)[0] for image in images])


def _features(model: nn.Module, batch: Tensor) -> np.ndarray:
    """Return N×D, what the last linear layer reads, or the last convolution where there is none."""
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    readers = linear or [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    seen: list[Tensor] = []
    handles = [m.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach())) for m in readers]
    found = []
    try:
        with probing(model), torch.no_grad():
            for first in range(0, len(batch), _AT_ONCE):
                seen.clear()
                some = batch[first : first + _AT_ONCE]
                model(some)
                read = seen[-1] if seen else some
                if seen and read.ndim == 4 and not linear:
                    read = read.mean(dim=(2, 3))  # B×K×h×w → B×K
                if read.ndim != 2 or len(read) != len(some):
                    raise InputError(
                        "embedding_plot: model must end in a linear layer that reads one row an image, or in a "
                        "convolution."
                    )
                found.append(numbers_of("embedding_plot", model, read, "features").to("cpu", torch.float32))
    finally:
        for handle in handles:
            handle.remove()
    return torch.cat(found).numpy()


def _neighbours(features: np.ndarray, seed: Seed) -> np.ndarray:
    """Return N×2 places on which neighbours stay neighbours."""
    perplexity = min(_PERPLEXITY, max(1.0, (len(features) - 1) / 3))
    return TSNE(perplexity=perplexity, seed=seed).fit_transform(features).astype(np.float32)


def _principal(features: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Return N×2 coordinates along the first two principal directions, and the share of variance along each."""
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    left, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    sizes, left = np.pad(sizes, (0, 2)), np.pad(left, ((0, 0), (0, 2)))  # features of one number have one direction
    # A direction and its opposite are as good: the one whose largest part is positive is taken.
    signs = [np.sign(row[np.abs(row).argmax()]) or 1.0 for row in np.pad(directions, ((0, 2), (0, 0)))[:2]]
    points = left[:, :2] * sizes[:2] * signs
    shares = sizes[:2] ** 2 / max(float((sizes**2).sum()), 1e-300)
    return points.astype(np.float32), (float(shares[0]), float(shares[1]))


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    """Return a picture of 64×64×3 uint8, in its proportions, small ones in whole pixels."""
    image = to_uint8(picture)
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    scale = _SIDE / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    how = PillowImage.Resampling.NEAREST if scale > 1 else PillowImage.Resampling.BOX
    small = np.asarray(PillowImage.fromarray(image).resize(size, how))
    made = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    top, left = (_SIDE - size[1]) // 2, (_SIDE - size[0]) // 2
    made[top : top + size[1], left : left + size[0]] = small
    return made
