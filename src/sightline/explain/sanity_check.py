"""Sanity check: does an explanation change when the network forgets what it has learnt?

Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim 2018, "Sanity Checks for Saliency Maps", NeurIPS, section 3: cascading
randomization of the weights, from the last layer to the first.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

from sightline.core.canvas import Canvas, colour_of
from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Grid, Heat, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Seed
from sightline.explain.layers import watching
from sightline.nn.probe import Images, as_single, chosen, picture_of, probing, scores_of

Explanation = Callable[..., np.ndarray]


@dataclass(frozen=True)
class SanityCheck:
    """How an explanation fares while a network's weights are replaced by random ones, layer after layer.

    Parameters
    ----------
    layers
        Names in the order in which they were randomised, from the last to the first; each stays so.
    maps
        (layers + 1)×H×W float32, the explanation before, then after each layer, without signs.
    correlations
        Spearman's rank correlation of each map with the first, −1 to 1; 0 where a map is the same everywhere.
    """

    layers: tuple[str, ...]
    maps: np.ndarray
    correlations: np.ndarray

    @property
    def last(self) -> float:
        """The correlation when nothing that was learnt is left: an explanation that explains is far below 1."""
        return float(self.correlations[-1])

    def draw(self) -> np.ndarray:
        """Return the maps in order, H×W×3 uint8, each with the correlation."""
        tiles = []
        times = max(1, 96 // max(self.maps.shape[1:]))
        for heat, value in zip(self.maps, self.correlations, strict=True):
            low, high = float(heat.min()), float(heat.max())
            grey = ((heat - low) / (high - low if high > low else 1) * 255).astype(np.uint8)
            canvas = Canvas(grey.repeat(times, axis=0).repeat(times, axis=1))
            canvas.text(f"{value:.2f}", (0, 0), colour_of(1))
            tiles.append(np.pad(canvas.image(), ((0, 2), (0, 2), (0, 0)), constant_values=255))
        columns = int(np.ceil(np.sqrt(len(tiles))))
        blank = np.full_like(tiles[0], 255)
        tiles += [blank] * (-len(tiles) % columns)
        return np.concatenate(
            [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)], axis=0
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"layers": list(self.layers), "correlations": [round(float(v), 4) for v in self.correlations]}


@method(task="explanation", paper="Adebayo 2018", lesson="w5d3")
def sanity_check(
    explain: Explanation, model: nn.Module, image: Images, target: int | None = None, *, seed: Seed = 0
) -> SanityCheck:
    """Return how like an explanation stays to itself while the network forgets, from its last layer to its first.

    The weights of each module are drawn anew, from a normal distribution of their own mean and standard deviation, in a
    copy of the model; running statistics, and what the model itself holds beside its modules, stay. A map that hardly
    changes cannot have come from what was learnt. NaN and infinity in the image are refused. The model is left as it
    was.

    Parameters
    ----------
    explain
        A method that is called as ``explain(model, image, target)``: ``grad_cam``, ``saliency``, ``guided_backprop`` …
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes.
    image
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index; the class that the model takes the image for, before it forgets, when None.
    seed
        Of the random weights.

    Returns
    -------
    SanityCheck
        With ``layers``, ``maps``, ``correlations``, ``last`` and ``draw()``.

    Raises
    ------
    InputError
        When the explanation is no function, or gives something else than one number for each pixel or channel.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, "Sanity Checks for Saliency Maps", NeurIPS 2018.

    Examples
    --------
    An explanation that only looks at the image does not notice that the model has changed:

    >>> import torch
    >>> from sightline.explain import sanity_check
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> found = sanity_check(lambda model, image, target: image[0, 0].numpy(), model, torch.rand(1, 4, 4))
    >>> found.layers, found.last
    (('3', '1'), 1.0)
    """
    if not callable(explain):
        raise InputError(f"sanity_check: explain must be a method like grad_cam; got {type(explain).__name__}.")
    random = generator(seed)
    forgetting = copy.deepcopy(model)
    with probing(forgetting):
        batch = as_single("sanity_check", model, image)
        with torch.no_grad():
            scores = scores_of("sanity_check", forgetting, batch)
            index = int(chosen("sanity_check", scores, target)[0])
        order = _weighted(forgetting, batch)[::-1]
        maps = [_map(explain(forgetting, batch, index))]
        for name in order:
            _randomise(forgetting.get_submodule(name), random)
            maps.append(_map(explain(forgetting, batch, index)))
    ranks = [_ranks(heat) for heat in maps]
    correlations = np.array([float((ranks[0] * other).sum()) for other in ranks], np.float32)
    return SanityCheck(tuple(order), np.stack(maps), correlations)


@sanity_check.steps
def _(
    explain: Explanation, model: nn.Module, image: Images, target: int | None = None, *, seed: Seed = 0
) -> Iterator[Step]:
    found = sanity_check(explain, model, image, target, seed=seed)
    yield Step("image", Picture(picture_of(as_single("sanity_check", model, image))))
    yield Step("explanation", Heat(found.maps[0]), note="Of the network as it was trained, without signs.")
    yield Step(
        "while it forgets", Grid(found.maps), note="Row by row; each is stretched from its lowest to its highest."
    )
    curve = np.stack([np.arange(len(found.maps)), found.correlations], axis=1).astype(np.float32)
    yield Step("correlation", Curve(curve, ("layers of random weights", "rank correlation")))
    yield Step("check", Value(found), Picture(found.draw()), note=f"At the end {found.last:.2f} of 1 is left.")


def _weighted(model: nn.Module, batch: torch.Tensor) -> list[str]:
    """Return the innermost modules with weights, in the order in which they run; a part of one that runs, after it."""
    names = {module: name for name, module in model.named_modules() if name and _has_own(module)}
    place: dict[str, int] = {}

    def note(module: nn.Module, output: torch.Tensor) -> None:
        place.setdefault(names[module], len(place))

    with watching(names, note), torch.no_grad():
        model(batch)
    return sorted(names.values(), key=lambda name: place.get(name, place.get(name.rpartition(".")[0], -1)))


def _has_own(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))


def _randomise(module: nn.Module, random: np.random.Generator) -> None:
    with torch.no_grad():
        for parameter in module.parameters(recurse=False):
            if parameter.numel() > 1:
                drawn = torch.from_numpy(random.standard_normal(tuple(parameter.shape), np.float32)).to(parameter)
                parameter.copy_(parameter.mean() + parameter.std() * drawn)


def _map(values: Any) -> np.ndarray:
    """Return an explanation of one image as H×W without signs, the largest over the channels."""
    array = np.abs(np.asarray(values, np.float32))
    array = array[0] if array.ndim > 2 and len(array) == 1 else array
    array = array.max(axis=2) if array.ndim == 3 else array
    if array.ndim != 2 or not array.size:
        shape = "×".join(map(str, np.shape(values)))
        raise InputError(f"sanity_check: explain must give H×W or H×W×C values for one image; got {shape}.")
    return array


def _ranks(heat: np.ndarray) -> np.ndarray:
    """Return the ranks of all pixels, centred, of length 1; 0 where all are alike."""
    ranks = rankdata(heat)
    ranks -= ranks.mean()
    length = np.sqrt((ranks**2).sum())
    return ranks / length if length > 0 else ranks
