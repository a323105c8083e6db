"""What a user may ask of the detection recipe, besides the engine's settings and the detector's own."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the detection recipe.

    Parameters
    ----------
    image_size
        What the longer side of a picture becomes, in pixels, a multiple of 32; 0 takes 320.
    val_fraction
        Share of the training pictures that is set aside for validation where the set has none, in 0–0.9; 0 takes 10 %,
        or 20 % of fewer than 1,000 pictures.
    mosaic
        Share of the training pictures that four are put together in, in 0–1.
    mosaic_epochs
        Share of the epochs, from the first, that have mosaics, in 0–1.
    scale
        Training pictures grow and shrink by up to this share, in 0–0.9.
    shift
        They move by up to this share of the side, in 0–0.5.
    colour
        Brightness, contrast and saturation change by up to this share, in 0–1.
    mirror
        Whether every second picture is mirrored; a set that says that a mirrored picture means something else wins.
    weights
        A file of weights to begin the backbone with, or a name of the zoo; empty begins from nothing.
    like
        Classes of COCO whose outputs ours begin with, in our order, parted by commas (``"person,,dog"``: nothing for
        none), where the weights are those of a detector of COCO's; empty takes those of the same name.
    metric
        What decides which epoch is the best: ``map50``, or ``map``, which asks for tight boxes, too.
    mean, std
        Of the pixels in 0–1, three numbers each, as the weights want them; empty takes ImageNet's.
    in_memory
        Decode all pictures once and keep them, when they take less than 1 GiB.
    """

    image_size: int = 0
    val_fraction: float = 0.0
    mosaic: float = 0.5
    mosaic_epochs: float = 0.8
    scale: float = 0.4
    shift: float = 0.15
    colour: float = 0.3
    mirror: bool = True
    weights: str = ""
    like: str = ""
    metric: str = "map50"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    in_memory: bool = True

    def __post_init__(self) -> None:
        integer("train", "image_size", self.image_size, 0, 4096)
        if self.image_size % 32:
            raise InputError(
                f"train: image_size must be a multiple of 32; got {self.image_size}. "
                f"Use {max(32, 32 * round(self.image_size / 32))}."
            )
        for name, high in (("val_fraction", 0.9), ("scale", 0.9), ("shift", 0.5)):
            number("train", name, getattr(self, name), 0.0, high)
        for name in ("mosaic", "mosaic_epochs", "colour"):
            number("train", name, getattr(self, name), 0.0, 1.0)
        choice("train", "metric", self.metric, ("map50", "map"))
        for name in ("mirror", "in_memory"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"train: {name} must be true or false; got {getattr(self, name)!r}.")

    def said(self, mirror: bool) -> str:
        """Say in a few words how training pictures vary.

        Parameters
        ----------
        mirror
            Whether the set allows a mirrored picture.
        """
        parts = [
            ("mirror every second", self.mirror and mirror),
            (f"mosaic {self.mosaic:.0%} of the first {self.mosaic_epochs:.0%} of epochs", self.mosaic > 0),
            (f"scale ±{self.scale:.0%}", self.scale > 0),
            (f"shift ±{self.shift:.0%}", self.shift > 0),
            (f"colour ±{self.colour:.0%}", self.colour > 0),
        ]
        return ", ".join(text for text, holds in parts if holds).replace("%", " %") or "none"
