"""SSD: default boxes of several shapes on maps of several sizes, all answered in one pass over one small image.

Liu et al. 2016, "SSD: Single Shot MultiBox Detector", ECCV, section 2; the light version with depthwise answers after
Sandler et al. 2018, "MobileNetV2", CVPR, section 6.2, on the backbone of Howard et al. 2019, "Searching for
MobileNetV3", ICCV, section 6.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range
from sightline.detect.dense import Limits, clip, thin
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted
from sightline.detect.framed import Found, Framed
from sightline.detect.matching import Matching
from sightline.detect.ssd_maps import LITE_CHANNELS, VGG_CHANNELS, lite_answer, lite_maps, vgg_maps
from sightline.nn.box_code import BoxCode
from sightline.nn.conv_tower import rows
from sightline.nn.convolutional import pixel_normalize

MATCHING = Matching(0.5, 0.5, "one")
NEGATIVES = 3  # backgrounds that are learnt from for each thing: the hardest ones (section 2.2)


@dataclass(frozen=True)
class DefaultBoxes:
    """Which boxes stand at each place of each map.

    Parameters
    ----------
    scales
        Sides of the square boxes, as a share of the image, one more than there are maps.
    ratios
        For each map the ratios of the sides of the further boxes, each of which stands and lies.
    steps
        Pixels from place to place on each map; empty divides the side by the number of places.
    """

    scales: tuple[float, ...]
    ratios: tuple[tuple[float, ...], ...]
    steps: tuple[int, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """Boxes at a place of each map."""
        return tuple(2 + 2 * len(ratios) for ratios in self.ratios)

    def boxes(self, size: tuple[int, int], maps: Sequence[Tensor]) -> Tensor:
        """Return all default boxes, N×4 xyxy in pixels, map by map, row by row, those of a place together.

        Parameters
        ----------
        size
            Height and width of the image in pixels.
        maps
            B×C×H×W; their sizes, device and dtype count.
        """
        return torch.cat([self._on(size, x, index) for index, x in enumerate(maps)])

    def _on(self, size: tuple[int, int], x: Tensor, index: int) -> Tensor:
        scale, following = self.scales[index : index + 2]
        shapes = [(scale, scale), (math.sqrt(scale * following),) * 2]  # section 2.2: s′ₖ = √(sₖ sₖ₊₁)
        for ratio in self.ratios[index]:
            wide, high = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            shapes += [(wide, high), (high, wide)]
        half = torch.tensor(shapes, device=x.device, dtype=x.dtype).clamp(0, 1) / 2  # A×2
        places = [(torch.arange(n, device=x.device, dtype=x.dtype) + 0.5) for n in x.shape[-2:]]
        steps = [side / self.steps[index] if self.steps else n for side, n in zip(size, x.shape[-2:], strict=True)]
        y, xs = torch.meshgrid(*(place / step for place, step in zip(places, steps, strict=True)), indexing="ij")
        centres = torch.stack([xs.flatten(), y.flatten()], dim=1)[:, None]  # (H·W)×1×2
        sides = torch.tensor([size[1], size[0]] * 2, device=x.device, dtype=x.dtype)
        return (torch.cat([centres - half, centres + half], dim=2) * sides).reshape(-1, 4)


@dataclass(frozen=True)
class SSDConfig:
    """What makes one SSD differ from another.

    Parameters
    ----------
    side
        Of the image in pixels.
    maps
        Makes the backbone.
    channels
        Of its maps.
    answer
        Makes a convolution that answers: of the channels in and the answers out.
    defaults
        The boxes.
    limits
        What is kept.
    mean, std
        Of the pixels, as the public weights want them.
    spread
        Deviation of fresh weights of the answers; 0 takes Glorot's.
    """

    side: int
    maps: Callable[[], nn.Module]
    channels: tuple[int, ...]
    answer: Callable[[int, int], nn.Module]
    defaults: DefaultBoxes
    limits: Limits
    mean: tuple[float, ...]
    std: tuple[float, ...]
    spread: float = 0.0


def _plain(channels: int, answers: int) -> nn.Module:
    return nn.Conv2d(channels, answers, 3, padding=1)


VARIANTS = {
    "ssd300": SSDConfig(  # Liu 2016, Figure 2 and section 3.4 (the scales for COCO)
        300,
        vgg_maps,
        VGG_CHANNELS,
        _plain,
        DefaultBoxes(
            (0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05),
            ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,)),
            (8, 16, 32, 64, 100, 300),
        ),
        Limits(0.01, 0.45, 400, 200),
        (0.48235, 0.45882, 0.40784),
        (1 / 255,) * 3,
    ),
    "ssdlite320": SSDConfig(  # Howard 2019, Table 6; scales 0.2 to 0.95 (Liu 2016, equation 4)
        320,
        lite_maps,
        LITE_CHANNELS,
        lite_answer,
        DefaultBoxes((*(0.2 + 0.75 * k / 5 for k in range(6)), 1.0), ((2, 3),) * 6),
        Limits(0.001, 0.55, 300, 300),
        (0.5,) * 3,
        (0.5,) * 3,
        0.03,
    ),
}


class Answers(nn.Module):
    """Two convolutions on each map: one names, one boxes; class 0 is the background in here.

    Parameters
    ----------
    config
        Channels, boxes, kind of convolution.
    classes
        Without the background.
    """

    def __init__(self, config: SSDConfig, classes: int) -> None:
        super().__init__()
        pairs = list(zip(config.channels, config.defaults.counts, strict=True))
        self.classes = nn.ModuleList(config.answer(channels, count * (classes + 1)) for channels, count in pairs)
        self.boxes = nn.ModuleList(config.answer(channels, count * 4) for channels, count in pairs)
        self.columns = classes + 1
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                if config.spread:
                    nn.init.normal_(layer.weight, std=config.spread)
                else:
                    nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits B×N×(K+1) and codes B×N×4 of all default boxes."""
        logits = [rows(answer(x), self.columns) for answer, x in zip(self.classes, maps, strict=True)]
        codes = [rows(answer(x), 4) for answer, x in zip(self.boxes, maps, strict=True)]
        return torch.cat(logits, dim=1), torch.cat(codes, dim=1)


class SSD(Framed):
    """Fit to a square, maps, answers.

    Parameters
    ----------
    classes
        Number of classes.
    fit
        Makes the batch.
    maps
        The backbone.
    heads
        Answer at every place.
    defaults
        What the answers speak of.
    limits
        What is kept of them.
    """

    def __init__(
        self, classes: int, fit: Fit, maps: nn.Module, heads: nn.Module, *, defaults: DefaultBoxes, limits: Limits
    ) -> None:
        super().__init__("ssd", classes, fit)
        self.maps, self.heads = maps, heads
        self.defaults, self.limits = defaults, limits
        self.code = BoxCode((10.0, 5.0))

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return both losses, by the matched boxes of the batch; of the background only the hardest is learnt."""
        maps = self.maps(fitted.images)
        logits, codes = self.heads(maps)
        defaults = self.defaults.boxes(fitted.size, maps)
        named, boxed, matched = [], [], 0
        for logit, code, target in zip(logits, codes, targets, strict=True):
            match = MATCHING(target["boxes"], defaults)
            things = match >= 0
            count = int(things.sum())
            wanted = self.code.encode(target["boxes"][match[things]], defaults[things])
            boxed.append(F.smooth_l1_loss(code[things], wanted, reduction="sum"))
            labels = torch.zeros_like(match)
            labels[things] = target["labels"][match[things]] + 1
            loss = F.cross_entropy(logit, labels, reduction="none")
            hardest = loss[~things].topk(min(NEGATIVES * count, len(loss) - count)).values
            named.append(loss[things].sum() + hardest.sum())
            matched += count
        return {
            "classification": torch.stack(named).sum() / max(1, matched),
            "boxes": torch.stack(boxed).sum() / max(1, matched),
        }

    def search(self, fitted: Fitted) -> list[Found]:
        """Return what is found in each image: of each class the surest boxes, after suppression."""
        maps = self.maps(fitted.images)
        logits, codes = self.heads(maps)
        defaults = self.defaults.boxes(fitted.size, maps)
        probabilities = logits.softmax(dim=2)[..., 1:]
        pairs = zip(probabilities, codes, fitted.sizes, strict=True)
        return [self._kept(score, clip(self.code.decode(code, defaults), size)) for score, code, size in pairs]

    def _kept(self, scores: Tensor, boxes: Tensor) -> Found:
        best, place = scores.topk(min(self.limits.candidates, len(scores)), dim=0)  # of each class by itself
        row, label = torch.where(best > self.limits.least)
        raw = Found(boxes[place[row, label]], best[row, label], label)
        return thin(raw, self.limits.near, self.limits.most)


@method(task="detection", paper="Liu 2016", lesson="w7d4")
def ssd(
    classes: Annotated[int, Range(1, 10**5)] = 90,
    *,
    variant: Annotated[str, Choice(*VARIANTS)] = "ssd300",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> SSD:
    """SSD with fresh weights; every image becomes a square of its side.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1, without the background. The public COCO weights have 90: COCO's numbers less one.
    variant
        ``"ssd300"``: VGG-16 and 300 pixels; ``"ssdlite320"``: MobileNetV3 and 320 pixels, a tenth of the weights.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes those of the public weights.

    Returns
    -------
    SSD
        A :class:`~sightline.detect.detector.Detector`: losses ``classification`` and ``boxes`` in training mode,
        detections in evaluation mode. NaN in an image finds nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    W. Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016.

    Examples
    --------
    >>> model = ssd(3, variant="ssdlite320").eval()
    >>> len(model(torch.zeros(1, 3, 64, 64)))
    1
    """
    config = VARIANTS[choice("ssd", "variant", variant, tuple(VARIANTS))]
    classes = integer("ssd", "classes", classes, 1)
    normalize = pixel_normalize("ssd", 3, mean or config.mean, std or config.std)
    fit = Fit(normalize, config.side, config.side, exact=(config.side, config.side), multiple=1)
    heads = Answers(config, classes)
    return SSD(classes, fit, config.maps(), heads, defaults=config.defaults, limits=config.limits)
