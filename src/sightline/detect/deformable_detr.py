"""Deformable DETR: a query looks at a few places instead of all of them, so that it can look at fine maps as well.

Zhu, Su, Lu, Li, Wang and Dai 2021, "Deformable DETR: Deformable Transformers for End-to-End Object Detection", ICLR,
section 4 and appendix A: attention to sampled places of four maps, boxes that each layer refines (4.2), and boxes that
the encoder proposes (4.2, two stages).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.backbones import RESIDUAL, residual_maps
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted, longest
from sightline.detect.level_projection import LevelProjection
from sightline.detect.set_detector import SetDetector
from sightline.detect.set_loss import SetLoss, added
from sightline.detect.set_matching import FocalRule, HungarianMatcher, SetPrediction, Weights, as_shares
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.deformable_attention import DeformableAttention
from sightline.nn.sine_position import sine_code
from sightline.nn.token_levels import Tokens, lay_out, token_boxes
from sightline.nn.transformer import DecoderLayer, EncoderLayer, FeedForward, SelfAttention, perceptron, xavier

WEIGHTS = Weights(2.0, 5.0, 2.0)  # appendix A.4
LOSS = SetLoss(HungarianMatcher(FocalRule(), WEIGHTS), WEIGHTS)
PRIOR = 0.01  # what an untrained network answers to every class (Lin 2017, "Focal Loss", section 3.3)
_EPS = 1e-5  # reference points are kept from 0 and 1 by it before the logarithm of the odds is taken


@dataclass(frozen=True)
class DeformableDETRConfig:
    """What makes one Deformable DETR differ from another.

    Parameters
    ----------
    refine
        Whether each layer moves the boxes of the one before it.
    two_stage
        Whether the encoder proposes the first boxes; it needs ``refine``.
    dim
        Length D of a token and of a query, a multiple of 32.
    num_heads
        Attention heads; they divide ``dim``.
    encoder, decoder
        Layers of each.
    hidden
        Width of the networks between.
    queries
        Number Q of queries.
    levels, points
        Maps, and the places on each at which a head looks.
    dropout
        Share of what is added in a layer that training sets to zero.
    """

    refine: bool = False
    two_stage: bool = False
    dim: int = 256
    num_heads: int = 8
    encoder: int = 6
    decoder: int = 6
    hidden: int = 1024
    queries: int = 300
    levels: int = 4
    points: int = 4
    dropout: float = 0.1


VARIANTS = {
    "base": DeformableDETRConfig(),  # Table 1
    "refine": DeformableDETRConfig(refine=True),
    "two_stage": DeformableDETRConfig(refine=True, two_stage=True),
    # Ours, for few pictures with few things.
    "small": DeformableDETRConfig(True, False, 128, 8, 2, 3, 512, 50, 3, 4, 0.0),
}


class DeformableDETR(SetDetector):
    """Backbone, four maps, encoder, decoder, two answers for each layer.

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

    def __init__(
        self, classes: int, fit: Fit, body: nn.Module, channels: Sequence[int], config: DeformableDETRConfig
    ) -> None:
        super().__init__("deformable_detr", classes, fit, body, LOSS)
        dim = config.dim
        self.config = config
        self.project = LevelProjection(channels, dim, config.levels)
        self.level = nn.Parameter(torch.empty(config.levels, dim))
        self.encoder = nn.ModuleList(self._encoder_layer(config) for _ in range(config.encoder))
        self.decoder = nn.ModuleList(self._decoder_layer(config) for _ in range(config.decoder))
        if config.two_stage:
            self.memory = nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim))
            self.propose = nn.Sequential(nn.Linear(2 * dim, 2 * dim), nn.LayerNorm(2 * dim))
        else:
            self.queries = nn.Embedding(config.queries, 2 * dim)
            self.points = nn.Linear(dim, 2)
        answers = config.decoder + config.two_stage  # the last one is the encoder's
        head, boxes = nn.Linear(dim, classes), perceptron(dim, dim, dim, 4)
        self._initialise(head, boxes)
        self.head = _each(head, answers, apart=config.refine)
        self.boxes = _each(boxes, answers, apart=config.refine)
        if not config.two_stage:  # the first boxes: an eighth of the image wide and high
            nn.init.constant_(self.get_parameter("boxes.0.4.bias")[2:], -2.0)

    def layers(self, fitted: Fitted) -> list[SetPrediction]:
        """Return what each layer of the decoder says of a batch."""
        tokens, memory = self.encode(fitted)
        return self.decode(tokens, memory, *self.begin_queries(tokens, memory)[:3])

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses of the layers; with two stages those of the proposals too, which are of one class."""
        tokens, memory = self.encode(fitted)
        x, positions, reference, proposed = self.begin_queries(tokens, memory)
        shares = as_shares(targets, fitted.sizes)
        losses = self.loss(self.decode(tokens, memory, x, positions, reference), shares)
        if proposed is None:
            return losses
        things: list[Targets] = [{"boxes": one["boxes"], "labels": torch.zeros_like(one["labels"])} for one in shares]
        return added([losses, self.loss([proposed], things)])

    def encode(self, fitted: Fitted) -> tuple[Tokens, Tensor]:
        """Return the tokens of the maps of a batch, and what the encoder makes of them, B×S×D."""
        tokens = lay_out(self.project(self.body(fitted.images)), fitted.real, self.level, shift=0.5)
        x = tokens.values
        for layer in self.encoder:
            x = layer(x, tokens.positions, tokens.references, tokens.shapes, tokens.padding)
        return tokens, x

    def begin_queries(self, tokens: Tokens, memory: Tensor) -> tuple[Tensor, Tensor, Tensor, SetPrediction | None]:
        """Return the queries B×Q×D, their positions, where they look (B×Q×2 or ×4), and what the encoder proposes."""
        if self.config.two_stage:
            return self._propose(tokens, memory)
        positions, x = self.queries.weight.expand(len(memory), -1, -1).chunk(2, dim=-1)
        return x, positions, self.points(positions).sigmoid(), None

    def decode(
        self, tokens: Tokens, memory: Tensor, x: Tensor, positions: Tensor, reference: Tensor
    ) -> list[SetPrediction]:
        """Return the answers of each layer, for queries with positions that look at references."""
        found = []
        for layer, name, move in zip(self.decoder, self.head, self.boxes, strict=False):
            within = tokens.ratios.repeat(1, 1, reference.shape[-1] // 2)[:, None]  # B×1×L×2 or ×4
            x = layer(x, positions, memory, reference[:, :, None] * within, tokens.shapes, tokens.padding)
            place = torch.logit(reference, _EPS)
            boxes = (move(x) + F.pad(place, (0, 4 - place.shape[-1]))).sigmoid()  # a point moves only the centre
            found.append(SetPrediction(name(x), boxes))
            if self.config.refine:
                reference = boxes.detach()
        return found

    def _propose(self, tokens: Tokens, memory: Tensor) -> tuple[Tensor, Tensor, Tensor, SetPrediction]:
        """Every token says whether it is a thing and where; the surest become queries (appendix A.4)."""
        around, usable = token_boxes(tokens.shapes, tokens.ratios, tokens.padding)
        seen = self.memory(memory.masked_fill(~usable, 0.0))
        logits, codes = self.head[-1](seen), self.boxes[-1](seen) + around
        best = logits[..., 0].topk(min(self.config.queries, logits.shape[1]), dim=1).indices
        chosen = torch.take_along_dim(codes, best[..., None], dim=1).detach().sigmoid()
        code = sine_code(2 * math.pi * chosen, self.config.dim // 2).flatten(2)  # B×Q×4 → B×Q×2D
        positions, x = self.propose(code).chunk(2, dim=-1)
        return x, positions, chosen, SetPrediction(logits, codes.sigmoid())

    def _initialise(self, head: nn.Linear, boxes: nn.Sequential) -> None:
        """Draw fresh weights: classes at the prior, boxes where their points are or where they are proposed."""
        xavier(self.encoder, self.decoder)
        for part in self.modules():
            if isinstance(part, DeformableAttention):
                part.reset_parameters()
        nn.init.normal_(self.level)
        nn.init.constant_(head.bias, -math.log((1 - PRIOR) / PRIOR))
        for value in boxes[-1].parameters():
            nn.init.zeros_(value)

    @staticmethod
    def _encoder_layer(config: DeformableDETRConfig) -> EncoderLayer:
        dim, dropout = config.dim, config.dropout
        look = DeformableAttention(dim, config.num_heads, config.levels, config.points)
        return EncoderLayer(look, FeedForward(dim, config.hidden, dropout), dim, dropout)

    @staticmethod
    def _decoder_layer(config: DeformableDETRConfig) -> DecoderLayer:
        dim, num_heads, dropout = config.dim, config.num_heads, config.dropout
        look = DeformableAttention(dim, num_heads, config.levels, config.points)
        mlp = FeedForward(dim, config.hidden, dropout)
        return DecoderLayer(SelfAttention(dim, num_heads, dropout), look, mlp, dim, dropout)


def _each(layer: nn.Module, count: int, *, apart: bool) -> nn.ModuleList:
    """Return one layer for each of ``count`` answers: copies, or the same one every time."""
    return nn.ModuleList([copy.deepcopy(layer) if apart else layer for _ in range(count)])


@method(task="detection", paper="Zhu 2021", lesson="w7d5")
def deformable_detr(
    classes: Annotated[int, Range(1, 10**5)] = 91,
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "base",
    backbone: Annotated[str, Choice(*RESIDUAL)] = "resnet50",
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> DeformableDETR:
    """Deformable DETR with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the public COCO weights have 91, numbered as COCO does, of which 0 is never used.
    variant
        ``"base"``: the paper's, 300 queries that look at four maps; ``"refine"``: every layer moves the boxes of the
        one before it; ``"two_stage"``: the encoder proposes the first boxes; ``"small"``: half as wide, three maps, 50
        queries, for few pictures.
    backbone
        Name of a residual network of ``sightline.classify``.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it; 0 leaves
        images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    DeformableDETR
        A :class:`~sightline.detect.detector.Detector`: losses ``classification``, ``boxes`` and ``overlap`` in training
        mode, the 100 surest answers in evaluation mode. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    X. Zhu, W. Su, L. Lu, B. Li, X. Wang, J. Dai, "Deformable DETR: Deformable Transformers for End-to-End Object
    Detection", ICLR 2021.

    Examples
    --------
    >>> model = deformable_detr(3, variant="small", backbone="resnet18", resize=64).eval()
    >>> [len(found) for found in model(torch.zeros(1, 3, 64, 64))]
    [100]
    """
    name = "deformable_detr"
    config = VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))]
    classes = integer(name, "classes", classes, 1)
    resize = integer(name, "resize", resize, 0)
    body, channels = residual_maps(name, backbone, (1, 2, 3))
    fit = Fit(pixel_normalize(name, 3, mean, std), resize, longest(resize), multiple=1)
    return DeformableDETR(classes, fit, body, channels, config)
