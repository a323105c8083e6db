"""Fast style transfer: train a network once for one painting; then each photo takes one pass.

Johnson, Alahi, Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number
from sightline.core.conversions import channels_first, to_float
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Grid, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Range, Seed
from sightline.explain.style_loss import StyleTarget, style_layers_of
from sightline.explain.style_net import StyleNet
from sightline.image import resize
from sightline.nn.probe import Images, as_single, patterns, picture_of, probing
from sightline.nn.total_variation import total_variation

_RATE = 1e-3  # of Adam: Johnson 2016, section 4.1
_STEEPEST = 1.0  # norm that a step's gradient is cut to


@method(task="made pictures", paper="Johnson 2016", lesson="w5d8")
def fast_style(
    model: nn.Module,
    style: Images,
    photos: Sequence[np.ndarray],
    *,
    width: Annotated[int, Range(4, 64)] = 16,
    size: Annotated[int, Range(16, 1024)] = 128,
    batch_size: Annotated[int, Range(1, 64)] = 4,
    iterations: Annotated[int, Range(1, 1000000)] = 400,
    style_weight: Annotated[float, Range(0, 10000)] = 10.0,
    smoothness: Annotated[float, Range(0, 1000)] = 1.0,
    seed: Seed = 0,
    progress: Callable[[float], object] | None = None,
) -> StyleNet:
    """Return a network that paints any photo in the style of one painting, in a single pass.

    What it learns to make small is what ``style_transfer`` makes small for one photo: the relative distances from the
    content and from the style, and the total variation. NaN and infinity in the images are refused. The model is left
    as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Any network that takes B×C×H×W in 0–1; one that was trained on photos. It judges, and does not learn.
    style
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    photos
        Photos to learn on, arrays H×W×C (or H×W for a model of grey pictures) of any size; a hundred or more.
    width
        Channels of the network's first layer; the paper has 32.
    size
        Side of the squares in pixels that it learns on: as much of the middle of a photo as a square can hold, mirrored
        at random.
    batch_size
        Photos in one step, ≥ 1.
    iterations
        Steps of Adam, ≥ 1; the paper takes 40,000.
    style_weight
        Weight of the style against the content's 1, ≥ 0.
    smoothness
        Weight of the total variation, ≥ 0.
    seed
        Of the first weights and of the order of the photos.
    progress
        Called with the loss after each step.

    Returns
    -------
    StyleNet
        In evaluation mode: ``paint(image)`` paints, ``save(path)`` and ``StyleNet.load(path)`` keep it.

    Raises
    ------
    InputError
        When there is no photo, or the model has no layers with places.

    References
    ----------
    Johnson, Alahi, Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import fast_style
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3))
    >>> photo = np.zeros((20, 24, 3), np.float32)
    >>> net = fast_style(model, torch.rand(3, 16, 16), [photo], width=4, size=16, batch_size=1, iterations=1)
    >>> net.paint(photo).shape
    (20, 24, 3)
    """
    options = (width, size, batch_size, iterations, style_weight, smoothness, seed)
    learnt: StyleNet | None = None
    for net, loss in learning(model, style, photos, *options):
        learnt = net
        if progress is not None:
            progress(loss)
    assert learnt is not None  # there is one step at least
    return learnt.eval()


@fast_style.steps
def _(
    model: nn.Module,
    style: Images,
    photos: Sequence[np.ndarray],
    *,
    width: int = 16,
    size: int = 128,
    batch_size: int = 4,
    iterations: int = 400,
    style_weight: float = 10.0,
    smoothness: float = 1.0,
    seed: Seed = 0,
) -> Iterator[Step]:
    painting = as_single("fast_style", model, style)
    yield Step("style", Picture(picture_of(painting)))
    squares = _squares(model, photos, size)[:4]
    net, losses = StyleNet(), []
    options = (width, size, batch_size, iterations, style_weight, smoothness, seed)
    for net, loss in learning(model, style, photos, *options):
        losses.append(loss)
        if len(losses) in {iterations // 8, iterations // 2}:
            yield Step(f"after {len(losses)}", _sheet(net, squares))
    curve = np.stack([np.arange(len(losses)), losses], axis=1).astype(np.float32)
    yield Step("loss", Curve(curve, ("step", "loss")))
    yield Step("network", Value(net.eval()), _sheet(net, squares), note="Photos that it has learnt on, painted.")


def learning(
    model: nn.Module,
    style: Images,
    photos: Sequence[np.ndarray],
    width: int = 16,
    size: int = 128,
    batch_size: int = 4,
    iterations: int = 400,
    style_weight: float = 10.0,
    smoothness: float = 1.0,
    seed: Seed = 0,
) -> Iterator[tuple[StyleNet, float]]:
    """Yield the network and the loss after each step, for who may end it early; all is as :func:`fast_style` takes it.

    Always the same network, in training mode.
    """
    name = "fast_style"
    width, size = integer(name, "width", width, 4, 64), integer(name, "size", size, 16, 1024)
    batch_size, iterations = (
        integer(name, "batch_size", batch_size, 1, 64),
        integer(name, "iterations", iterations, 1, 1000000),
    )
    style_weight = number(name, "style_weight", style_weight, 0, 10000)
    smoothness = number(name, "smoothness", smoothness, 0, 1000)
    random = generator(seed)
    with probing(model):
        painting = as_single(name, model, style)
        squares = _squares(model, photos, size)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(random.integers(2**31)))
            net = StyleNet(width, squares.shape[1]).to(painting.device)
        target = StyleTarget(name, model, painting, style_layers_of(name, model, squares[:1]))
        adam = torch.optim.Adam(net.parameters(), lr=_RATE)
        for _ in range(iterations):
            batch = squares[torch.from_numpy(random.integers(0, len(squares), batch_size))]
            if random.random() < 0.5:
                batch = batch.flip(3)
            made = net(batch)
            far, foreign = target.distances(made, target.content_of(batch))
            loss = (far + style_weight * foreign + smoothness * total_variation(made)).mean()
            adam.zero_grad()
            loss.backward(inputs=list(net.parameters()))
            nn.utils.clip_grad_norm_(net.parameters(), _STEEPEST)
            adam.step()
            yield net, loss.item()


def _squares(model: nn.Module, photos: Sequence[np.ndarray], size: int) -> Tensor:
    """Return the middle squares of the photos, N×C×size×size."""
    if not len(photos):
        raise InputError("fast_style: photos must hold at least one photo; got none.")
    made = []
    for photo in photos:
        image = to_float(as_image("fast_style", photo, argument="photos", finite=True))
        side = min(image.shape[:2])
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        square = resize(np.ascontiguousarray(image[top : top + side, left : left + side]), (size, size))
        made.append(channels_first(square))
    if len({square.shape[0] for square in made}) > 1:
        raise InputError("fast_style: photos must all be in colour, or all be grey; got both.")
    device = next(model.parameters(), torch.zeros(())).device
    return torch.from_numpy(np.stack(made)).to(device)


def _sheet(net: StyleNet, squares: Tensor) -> Grid:
    with torch.no_grad():
        painted = patterns(net(squares), False)
    return Grid(painted if painted.shape[3] == 3 else painted[..., 0])
