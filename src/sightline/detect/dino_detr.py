"""DINO: DETR with queries that begin where something is, and lessons in what is almost right.

Zhang, Li, Liu, Zhang, Su, Zhu, Ni and Shum 2023, "DINO: DETR with Improved DeNoising Anchor Boxes for End-to-End Object
Detection", ICLR, section 3: on Deformable DETR's encoder, contrastive denoising (3.3), mixed query selection (3.4) and
boxes that look forward twice (3.5).
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
from sightline.detect.box_decoder import BoxDecoder, SinePositions, deformable_layer
from sightline.detect.fit import Fit, Fitted, longest
from sightline.detect.level_projection import LevelProjection
from sightline.detect.query_selection import Memory, QuerySelection, Selected
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import FocalRule, HungarianMatcher
from sightline.detect.two_stage_detr import COST, Names, TwoStageDETR
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.deformable_attention import DeformableAttention
from sightline.nn.token_levels import lay_out
from sightline.nn.transformer import EncoderLayer, FeedForward, perceptron

TEMPERATURE = 20.0  # of the positions of the image's places
LOSS = SetLoss(HungarianMatcher(FocalRule(most=300), COST))


@dataclass(frozen=True)
class DINOConfig:
    """What makes one DINO differ from another.

    Parameters
    ----------
    dim
        Length D of a token and of a query, a multiple of 32.
    num_heads
        Attention heads; they divide ``dim``.
    encoder, decoder
        Layers of each.
    hidden
        Width of the networks between.
    queries
        Number Q of queries; at most 300 of their answers are found.
    levels, points
        Maps, and the places on each at which a head looks.
    """

    dim: int = 256
    num_heads: int = 8
    encoder: int = 6
    decoder: int = 6
    hidden: int = 2048
    queries: int = 900
    levels: int = 4
    points: int = 4


VARIANTS = {
    "base": DINOConfig(),  # "DINO-4scale", appendix, Table 8
    "small": DINOConfig(128, 8, 2, 3, 512, 100, 3),  # ours, for few pictures with few things
}


class DINO(TwoStageDETR):
    """Backbone, maps, deformable encoder, selection, decoder.

    Parameters
    ----------
    classes
        Number of classes.
    fit
        Makes the batch.
    body
        The backbone.
    channels
        Of its maps, finest first.
    config
        Sizes.
    """

    def __init__(self, classes: int, fit: Fit, body: nn.Module, channels: Sequence[int], config: DINOConfig) -> None:
        dim, num_heads, levels = config.dim, config.num_heads, config.levels
        layers = [deformable_layer(dim, num_heads, levels, config.hidden, config.points) for _ in range(config.decoder)]
        positions = SinePositions(perceptron(2 * dim, dim, dim), dim)
        decoder = BoxDecoder(layers, positions, [perceptron(dim, dim, dim, 4)], nn.LayerNorm(dim))
        selection, names = QuerySelection(dim, config.queries), Names(dim, classes, 1)
        super().__init__("dino_detr", fit, body, selection, decoder, names, LOSS)
        self.project = LevelProjection(channels, dim, levels)
        self.level = nn.Parameter(torch.randn(levels, dim))
        looks = [DeformableAttention(dim, num_heads, levels, config.points) for _ in range(config.encoder)]
        self.encoder = nn.ModuleList(EncoderLayer(look, FeedForward(dim, config.hidden), dim) for look in looks)
        self.queries = nn.Embedding(config.queries, dim)

    def encode(self, fitted: Fitted) -> Memory:
        """Return the tokens of all maps, each of which has looked at places of all maps."""
        tokens = lay_out(self.project(self.body(fitted.images)), fitted.real, self.level, TEMPERATURE)
        x = tokens.values
        for layer in self.encoder:
            x = layer(x, tokens.positions, tokens.references, tokens.shapes, tokens.padding)
        return Memory(x, tokens.shapes, tokens.ratios, tokens.padding)

    def content(self, selected: Selected) -> Tensor:
        """Return what is learnt for each query: only where it looks is selected, for a token may hold several things.

        Mixed query selection (section 3.4).
        """
        count = selected.boxes.shape[1]
        return self.queries.weight[:count].expand(len(selected.boxes), -1, -1)  # Q×D → B×Q×D


@method(task="detection", paper="Zhang 2023", lesson="w7d5")
def dino_detr(
    classes: Annotated[int, Range(1, 10**5)] = 91,
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "base",
    backbone: Annotated[str, Choice(*RESIDUAL)] = "resnet50",
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> DINO:
    """DINO, the detector, with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"base"``: the paper's with four maps, 900 queries; ``"small"``: half as wide, three maps, 100 queries, for few
        pictures.
    backbone
        Name of a residual network of ``sightline.classify``.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it; 0 leaves
        images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    DINO
        A :class:`~sightline.detect.detector.Detector`: losses ``classification``, ``boxes`` and ``overlap``, and the
        same of the denoising, in training mode; the 300 surest answers in evaluation mode. NaN in an image finds
        nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    H. Zhang et al., "DINO: DETR with Improved DeNoising Anchor Boxes for End-to-End Object Detection", ICLR 2023.

    Examples
    --------
    >>> model = dino_detr(3, variant="small", backbone="resnet18", resize=64).eval()
    >>> len(model(torch.zeros(1, 3, 64, 64)))
    1
    """
    name = "dino_detr"
    config = VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))]
    classes = integer(name, "classes", classes, 1)
    resize = integer(name, "resize", resize, 0)
    body, channels = residual_maps(name, backbone, (1, 2, 3))
    fit = Fit(pixel_normalize(name, 3, mean, std), resize, longest(resize), multiple=1)
    return DINO(classes, fit, body, channels, config)
