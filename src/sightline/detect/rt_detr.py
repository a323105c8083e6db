"""RT-DETR: a hybrid encoder makes DETR fast enough for video, and certain queries make it right.

Zhao, Lv, Xu, Wei, Wang, Dang, Liu and Chen 2024, "DETRs Beat YOLOs on Real-time Object Detection", CVPR, section 4: a
residual network (its "vd" form), the hybrid encoder, uncertainty-minimal query selection, a decoder with denoising.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.box_decoder import BoxDecoder, deformable_layer
from sightline.detect.fit import Fit, Fitted
from sightline.detect.hybrid_encoder import HybridEncoder
from sightline.detect.query_selection import Memory, QuerySelection, Selected
from sightline.detect.residual_vd import residual_vd_maps
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import FocalRule, HungarianMatcher, one_hot
from sightline.detect.two_stage_detr import COST, HEADS, Names, TwoStageDETR, token_length
from sightline.nn.conv_norm import ConvNorm
from sightline.nn.normalize import Normalize
from sightline.nn.token_levels import shrunk
from sightline.nn.transformer import EncoderLayer, FeedForward, SelfAttention, perceptron


@dataclass(frozen=True)
class RTDETRConfig:
    """What makes one RT-DETR differ from another.

    Parameters
    ----------
    backbone
        Name of the residual network.
    depth
        Layers of the decoder.
    expansion
        Width of the roads of a fusion, in shares of ``channels``.
    channels
        Of the levels in the hybrid encoder.
    hidden
        Width of the network in the attention of the hybrid encoder.
    dim
        Length of a query.
    """

    backbone: str
    depth: int = 6
    expansion: float = 1.0
    channels: int = 256
    hidden: int = 1024
    dim: int = 256


VARIANTS = {
    "r18": RTDETRConfig("resnet18", depth=3, expansion=0.5),
    "r34": RTDETRConfig("resnet34", depth=4, expansion=0.5),
    "r50m": RTDETRConfig("resnet50", expansion=0.5),  # Zhao 2024, Table 2, and the next two
    "r50": RTDETRConfig("resnet50"),
    "r101": RTDETRConfig("resnet101", channels=384, hidden=2048),
}


@dataclass(frozen=True)
class VarifocalRule(FocalRule):
    """A name is as true as its box is right: the target of yes is the overlap, and weighs as much (Zhang 2021).

    H. Zhang et al., "VarifocalNet: An IoU-aware Dense Object Detector", CVPR 2021, equation 2. In the matching a name
    costs what it does under the focal loss.

    Parameters
    ----------
    no
        Weight α of the answers that should be no.
    """

    no: float = 0.75

    def loss(self, logits: Tensor, labels: Tensor, overlaps: Tensor, count: float) -> Tensor:
        """Return the sum of the varifocal loss by the number of things."""
        things = one_hot(logits, labels)
        truth = things * overlaps[..., None]
        weight = self.no * logits.detach().sigmoid() ** self.gamma * (1 - things) + truth
        return F.binary_cross_entropy_with_logits(logits, truth, weight, reduction="sum") / count


class RTDETR(TwoStageDETR):
    """Residual network, hybrid encoder, selection, decoder.

    Parameters
    ----------
    classes
        Number of classes.
    fit
        Makes the batch.
    config
        Sizes of everything.
    queries
        How many are selected.
    """

    def __init__(self, classes: int, fit: Fit, config: RTDETRConfig, queries: int) -> None:
        body, widths = residual_vd_maps("rt_detr", config.backbone, (1, 2, 3))
        dim = config.dim
        decoder = BoxDecoder(
            [deformable_layer(dim, HEADS, len(widths), 4 * dim) for _ in range(config.depth)],
            perceptron(4, 2 * dim, dim),
            [perceptron(dim, dim, dim, 4) for _ in range(config.depth)],
            nn.Identity(),
        )
        names = Names(dim, classes, config.depth)
        loss = SetLoss(HungarianMatcher(VarifocalRule(most=queries), COST))
        super().__init__("rt_detr", fit, body, QuerySelection(dim, queries), decoder, names, loss)
        attention = SelfAttention(config.channels, HEADS)
        mlp = FeedForward(config.channels, config.hidden, activation=nn.GELU())
        intra = EncoderLayer(attention, mlp, config.channels)
        self.encoder = HybridEncoder(widths, config.channels, intra, expansion=config.expansion)
        self.inputs = nn.ModuleList(ConvNorm(config.channels, dim, 1) for _ in widths)

    def encode(self, fitted: Fitted) -> Memory:
        """Return the levels of the hybrid encoder, as tokens."""
        levels = self.encoder(self.body(fitted.images))
        levels = [project(level) for project, level in zip(self.inputs, levels, strict=True)]
        real = [shrunk(fitted.real, level.shape[-2:]) for level in levels]
        share = fitted.images.new_tensor([(w, h) for h, w in fitted.sizes]) / fitted.images.new_tensor(
            fitted.size[::-1]
        )
        return Memory(
            torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1),
            tuple((int(level.shape[-2]), int(level.shape[-1])) for level in levels),
            share[:, None].expand(-1, len(levels), -1),
            torch.cat([~one.flatten(1) for one in real], dim=1),
        )

    def content(self, selected: Selected) -> Tensor:
        """Return what the encoder knows about the selected tokens; what the decoder learns stays in the decoder."""
        return selected.content.detach()


@method(task="detection", paper="Zhao 2024", lesson="w7d5")
def rt_detr(
    classes: Annotated[int, Range(1, 10**5)] = 80,
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "r50",
    queries: Annotated[int, Range(1, 10**4)] = 300,
    dim: Annotated[int, Range(0, 8192)] = 0,
    resize: Annotated[int, Range(0, 4096)] = 640,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> RTDETR:
    """RT-DETR with fresh weights.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1; the public COCO weights have 80.
    variant
        Residual network and sizes: ``"r18"``, ``"r34"``, ``"r50m"`` (narrow fusions), ``"r50"``, ``"r101"``.
    queries
        How many boxes are refined, and at most found.
    dim
        Length of tokens and queries, a multiple of 8; 0 takes the variant's, 256.
    resize
        Height and width in pixels that images are brought to, whatever their shape; 0 leaves them as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes 0 and 1, as the public weights
        do.

    Returns
    -------
    RTDETR
        A :class:`~sightline.detect.detector.Detector`: losses ``classification``, ``boxes`` and ``overlap``, and the
        same of the denoising, in training mode; detections in evaluation mode. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    Y. Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", CVPR 2024.

    Examples
    --------
    >>> model = rt_detr(3, variant="r18", dim=32, queries=20, resize=64).eval()
    >>> len(model(torch.zeros(1, 3, 64, 64))[0])
    20
    """
    config = VARIANTS[choice("rt_detr", "variant", variant, tuple(VARIANTS))]
    classes = integer("rt_detr", "classes", classes, 1)
    queries = integer("rt_detr", "queries", queries, 1)
    side = integer("rt_detr", "resize", resize, 0)
    if token_length("rt_detr", dim):
        config = replace(config, dim=dim, channels=dim, hidden=4 * dim)
    normalize = Normalize(mean or (0.0, 0.0, 0.0), std or (1.0, 1.0, 1.0))
    fit = Fit(normalize, 0, 0, exact=(side, side) if side else None)
    return RTDETR(classes, fit, config, queries)
