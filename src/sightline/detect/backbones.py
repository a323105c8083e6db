"""Backbones: the body of a classifier, which gives out the maps on its way instead of an answer.

The classifiers are found in the catalogue by name: what classifies and what detects do not import each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from sightline.core.catalogue import find
from sightline.core.checks import choice
from sightline.core.errors import InputError
from sightline.nn.feature_pyramid import FeaturePyramid

# Channels after each of the four stages, at 1/4, 1/8, 1/16 and 1/32 of the side (He 2016, Table 1).
_NARROW, _WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)
RESIDUAL = {
    "resnet18": _NARROW,
    "resnet34": _NARROW,
    "resnet50": _WIDE,
    "resnet101": _WIDE,
    "resnet152": _WIDE,
}


class ResidualMaps(nn.Module):
    """The maps after chosen stages of a residual network: B×C×H×W → a list, fine to coarse.

    Parameters
    ----------
    classifier
        A residual network of ``sightline.classify``; its stem and stages are taken, not copied.
    taps
        Which of the stages 0…3.
    """

    def __init__(self, classifier: Any, taps: Sequence[int]) -> None:
        super().__init__()
        self.stem, self.stages = classifier.stem, classifier.stages
        self.taps = tuple(taps)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of a normalised batch."""
        x = self.stem(x)
        maps = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.taps:
                maps.append(x)
        return maps


class MobileMaps(nn.Module):
    """Two maps of MobileNetV3: where it halves the side for the fifth time, and its last one.

    Parameters
    ----------
    classifier
        A MobileNetV3 of ``sightline.classify``; its body is taken, not copied.
    """

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.stem, self.stages, self.last = classifier.body.stem, classifier.body.stages, classifier.body.last

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of a normalised batch, both at 1/32 of the side."""
        x = self.stages[:-1](self.stem(x))
        first, *others = self.stages[-1]
        fine = x = first(x)
        for block in others:
            x = block(x)
        return [fine, self.last(x)]


def residual_maps(name: str, backbone: str, taps: Sequence[int]) -> tuple[ResidualMaps, tuple[int, ...]]:
    """Return a residual backbone with fresh weights, and the channels of its maps.

    Parameters
    ----------
    name
        Who asks, for errors.
    backbone
        Name of the classifier.
    taps
        Which of the stages 0…3.
    """
    channels = RESIDUAL[choice(name, "backbone", backbone, tuple(RESIDUAL))]
    return ResidualMaps(find(f"classify.{backbone}").function(1), taps), tuple(channels[tap] for tap in taps)


def mobile_maps() -> tuple[MobileMaps, tuple[int, ...]]:
    """Return the large MobileNetV3 with fresh weights, and the channels of its two maps."""
    return MobileMaps(find("classify.mobilenet_v3").function(1, variant="large", eps=1e-5)), (160, 960)


class Levels(nn.Module):
    """A backbone and the pyramid on it: B×C×H×W → levels of equal width, fine to coarse.

    Parameters
    ----------
    body
        Gives the maps.
    pyramid
        Makes the levels.
    """

    def __init__(self, body: nn.Module, pyramid: FeaturePyramid) -> None:
        super().__init__()
        self.body, self.pyramid = body, pyramid

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the levels of a normalised batch."""
        return self.pyramid(self.body(x))


def take_body(body: nn.Module, classifier: nn.Module) -> None:
    """Copy the weights of a trained classifier into a backbone of the same kind, strictly.

    Parameters
    ----------
    body
        The backbone that is filled, in place.
    classifier
        A network of ``sightline.classify`` of the same name; of its head nothing is taken.
    """
    given = {key.removeprefix("body."): value for key, value in classifier.state_dict().items()}
    wanted = body.state_dict()
    unlike = [key for key, value in wanted.items() if key not in given or given[key].shape != value.shape]
    if unlike:
        raise InputError(
            f"take_body: {type(classifier).__name__} is not the network that the backbone was made from: "
            f"'{unlike[0]}' is missing or has another shape, and so have {len(unlike) - 1} more."
        )
    body.load_state_dict({key: given[key] for key in wanted})
