"""What a user may ask of the classification recipe, besides the engine's settings and the architecture's own."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.data.augment import POLICIES, Augment

AUGMENTATIONS = ("auto", *POLICIES)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the classification recipe.

    Parameters
    ----------
    image_size
        Side of the model's input in pixels; 0 lets the data decide: 16 to 64 pixels as they are, smaller ones enlarged,
        photos 64 or 128.
    first_size
        Longer side of the model's input in the first half of the epochs, which are so much quicker; 0 takes the full
        size from the start. For networks of any input size (Howard 2018, "progressive resizing").
    val_fraction
        Share of the training images that is set aside for validation where the set has none, in 0–0.9; 0 takes 10 %,
        or 20 % of fewer than 1,000 images.
    augment
        How training images vary from epoch to epoch: ``none``, ``slight`` (mirror in every second epoch, shift by 1/16
        with the border mirrored), ``light`` (mirror, shift by 1/8), ``standard`` (mirror, turn, shift, scale, colour),
        ``randaugment`` or ``trivialaugment``; ``auto`` takes ``standard``. Mirroring is left out where it changes the
        meaning.
    mixup
        Strength α of Mixup, 0–4; 0 is off.
    cutmix
        Strength α of CutMix, 0–4; 0 is off. With both, about half of the batches get each.
    label_smoothing
        Share of each label that is spread over all classes, in 0–1.
    weights
        Where the weights come from that training begins with, all but the head's: the folder of a run, a name of the
        zoo, or a weight file; empty for fresh ones. With a name of the zoo, its pixel statistics are taken too.
    teacher
        Folder of a run with the same classes whose answers are learnt, too (distillation); empty for none.
    distill
        Share of the teacher in the loss, in 0–1.
    softness
        Temperature of the teacher's and the student's probabilities, 1–100. A DeiT learns the teacher's first choice
        with its own head, and needs none.
    class_weights
        Give every class the same say, however many images it has.
    in_memory
        Decode all images once and keep them, when they take less than 1 GiB.
    """

    image_size: int = 0
    first_size: int = 0
    val_fraction: float = 0.0
    augment: str = "auto"
    mixup: float = 0.0
    cutmix: float = 0.0
    label_smoothing: float = 0.0
    weights: str = ""
    teacher: str = ""
    distill: float = 0.5
    softness: float = 4.0
    class_weights: bool = False
    in_memory: bool = True

    def __post_init__(self) -> None:
        for name in ("image_size", "first_size"):
            integer("train", name, getattr(self, name), 0, 4096)
        number("train", "val_fraction", self.val_fraction, 0.0, 0.9)
        choice("train", "augment", self.augment, AUGMENTATIONS)
        for name in ("mixup", "cutmix"):
            number("train", name, getattr(self, name), 0.0, 4.0)
        number("train", "label_smoothing", self.label_smoothing, 0.0, 1.0)
        number("train", "distill", self.distill, 0.0, 1.0)
        number("train", "softness", self.softness, 1.0, 100.0)
        for name in ("weights", "teacher"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"train: {name} must be a name or a path; got {getattr(self, name)!r}.")
        for name in ("class_weights", "in_memory"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"train: {name} must be true or false; got {getattr(self, name)!r}.")

    def policy(self, mirror: bool) -> Augment:
        """Return the augmentation.

        Parameters
        ----------
        mirror
            Whether a mirrored image still means the same.
        """
        return Augment("standard" if self.augment == "auto" else self.augment, mirror=mirror)

    def first_shape(self, shape: tuple[int, int], fixed: bool) -> tuple[int, int] | None:
        """Return ``(height, width)`` of the model's input in the first half of the epochs; None for the full shape.

        Parameters
        ----------
        shape
            Height and width of the input.
        fixed
            Whether the architecture is built for one shape.
        """
        if not self.first_size:
            return None
        if fixed:
            raise InputError("train: first_size needs a network of any input size; this one is built for one. Use 0.")
        integer("train", "first_size", self.first_size, 1, max(shape))
        factor = self.first_size / max(shape)
        return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))

    @property
    def mixed(self) -> bool:
        """Whether batches are mixed."""
        return self.mixup > 0 or self.cutmix > 0

    def said(self, augment: Augment) -> str:
        """Say in a few words how training images vary.

        Parameters
        ----------
        augment
            From :meth:`policy`.
        """
        mixing = [f"{name} {value:g}" for name, value in (("Mixup", self.mixup), ("CutMix", self.cutmix)) if value]
        small = [f"half the epochs at {self.first_size} pixels"] if self.first_size else []
        return ", ".join([*augment.describe(), *mixing, *small]) or "none"
