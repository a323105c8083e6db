"""DETR: a picture goes in, a set of boxes comes out, and nothing between was designed for boxes.

Carion, Massa, Synnaeve, Usunier, Kirillov and Zagoruyko 2020, "End-to-End Object Detection with Transformers", ECCV,
section 3 and appendix A: a convolutional backbone, an encoder in which every place looks at every other one, a decoder
in which a hundred learnt queries look at each other and at the places, and one small network that reads each query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.backbones import RESIDUAL, residual_maps
from sightline.detect.fit import Fit, Fitted, longest
from sightline.detect.set_detector import SetDetector
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import HungarianMatcher, SetPrediction, SoftmaxRule
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.sine_position import sine_positions
from sightline.nn.token_levels import shrunk
from sightline.nn.transformer import (
    CrossAttention,
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    SelfAttention,
    perceptron,
    xavier,
)

LOSS = SetLoss(HungarianMatcher(SoftmaxRule()))


@dataclass(frozen=True)
class DETRConfig:
    """What makes one DETR differ from another.

    Parameters
    ----------
    dim
        Length D of a token and of a query, a multiple of 4.
    num_heads
        Attention heads; they divide ``dim``.
    encoder, decoder
        Layers of each.
    hidden
        Width of the networks between.
    queries
        Number Q of queries: most things in an image.
    dropout
        Share of what is added in a layer that training sets to zero.
    """

    dim: int = 256
    num_heads: int = 8
    encoder: int = 6
    decoder: int = 6
    hidden: int = 2048
    queries: int = 100
    dropout: float = 0.1


VARIANTS = {
    "base": DETRConfig(),  # appendix A.4
    "small": DETRConfig(128, 8, 3, 3, 512, 25, 0.0),  # ours, for few pictures with few things
}


class DETR(SetDetector):
    """Backbone, encoder, decoder, two answers.

    Parameters
    ----------
    classes
        Number of classes, without "nothing".
    fit
        Makes the batch.
    body
        The backbone, of whose maps the last one is read.
    channels
        Of that map.
    config
        Sizes.
    """

    def __init__(self, classes: int, fit: Fit, body: nn.Module, channels: int, config: DETRConfig) -> None:
        super().__init__("detr", classes, fit, body, LOSS)
        dim, num_heads, dropout = config.dim, config.num_heads, config.dropout
        self.project = nn.Conv2d(channels, dim, 1)
        self.encoder = nn.ModuleList(
            EncoderLayer(SelfAttention(dim, num_heads, dropout), FeedForward(dim, config.hidden, dropout), dim, dropout)
            for _ in range(config.encoder)
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(
                SelfAttention(dim, num_heads, dropout),
                CrossAttention(dim, num_heads, dropout),
                FeedForward(dim, config.hidden, dropout),
                dim,
                dropout,
            )
            for _ in range(config.decoder)
        )
        self.norm = nn.LayerNorm(dim)
        self.queries = nn.Embedding(config.queries, dim)
        self.head = nn.Linear(dim, classes + 1)
        self.boxes = perceptron(dim, dim, dim, 4)
        xavier(self.encoder, self.decoder)

    def layers(self, fitted: Fitted) -> list[SetPrediction]:
        """Return what each layer of the decoder says of a batch."""
        memory, positions, attends = self.encode(fitted)
        wanted = self.queries.weight.expand(len(memory), -1, -1)  # Q×D → B×Q×D
        x, found = torch.zeros_like(wanted), []
        for layer in self.decoder:
            x = layer(x, wanted, memory, positions, attends)
            read = self.norm(x)
            found.append(SetPrediction(self.head(read), self.boxes(read).sigmoid()))
        return found

    def encode(self, fitted: Fitted) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tokens of the places of a batch, B×N×D, their positions, and which show an image, B×1×N."""
        x = self.project(self.body(fitted.images)[-1])  # B×D×H/32×W/32
        real = shrunk(fitted.real, x.shape[-2:])
        positions = sine_positions(real, x.shape[1]).flatten(1, 2)
        x, attends = x.flatten(2).transpose(1, 2), real.flatten(1)[:, None]
        for layer in self.encoder:
            x = layer(x, positions, attends)
        return x, positions, attends


@method(task="detection", paper="Carion 2020", lesson="w7d5")
def detr(
    classes: Annotated[int, Range(1, 10**5)] = 91,
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "base",
    backbone: Annotated[str, Choice(*RESIDUAL)] = "resnet50",
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> DETR:
    """DETR with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the public COCO weights have 91, numbered as COCO does, of which 0 is never used.
    variant
        ``"base"``: the paper's, 100 queries; ``"small"``: half as wide and deep, 25 queries, for few pictures.
    backbone
        Name of a residual network of ``sightline.classify``.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it; 0 leaves
        images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    DETR
        A :class:`~sightline.detect.detector.Detector`: losses ``classification``, ``boxes`` and ``overlap`` in training
        mode, an answer of every query in evaluation mode, surest first. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    N. Carion, F. Massa, G. Synnaeve, N. Usunier, A. Kirillov, S. Zagoruyko, "End-to-End Object Detection with
    Transformers", ECCV 2020.

    Examples
    --------
    >>> model = detr(3, variant="small", backbone="resnet18", resize=64).eval()
    >>> [len(found) for found in model(torch.zeros(1, 3, 64, 64))]
    [25]
    """
    name = "detr"
    config = VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))]
    classes = integer(name, "classes", classes, 1)
    resize = integer(name, "resize", resize, 0)
    body, (channels,) = residual_maps(name, backbone, (3,))
    fit = Fit(pixel_normalize(name, 3, mean, std), resize, longest(resize), multiple=1)
    return DETR(classes, fit, body, channels, config)
