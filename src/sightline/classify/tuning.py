"""Begin with what another network learnt: its weights, or its answers.

Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network", section 2; Touvron et al. 2021, "Training
data-efficient image transformers & distillation through attention", section 4, for hard labels on a token of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.classify.deit import DeiT
from sightline.core.errors import InputError
from sightline.train import folder as files
from sightline.train.checkpoint import BEST, LAST
from sightline.train.run import load
from sightline.train.tensors import load_tensors
from sightline.zoo import load_weights
from sightline.zoo.table import Entry, entries


def public(weights: str) -> Entry | None:
    """Return the zoo's entry of that name, None for files and folders."""
    return None if not weights or Path(weights).exists() else entries().get(weights)


def suited_to(method: str, weights: str, channels: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what public weights ask for: the architecture's arguments, and the pixel statistics as ``mean``, ``std``.

    Parameters
    ----------
    method
        The architecture that is trained.
    weights
        As :class:`~sightline.classify.options.Options` takes them.
    channels
        Of the images.
    """
    row = public(weights)
    if row is None:
        return {}, {}
    if row.method != f"classify.{method}":
        raise InputError(f"train: weights '{weights}' are of {row.method}; train {row.method.replace('.', '/')}.")
    if channels != 3:
        raise InputError(f"train: weights '{weights}' are for RGB images; got images of {channels} channel.")
    return dict(row.options), {"mean": list(row.mean), "std": list(row.std)}


def begin_with(model: nn.Module, weights: str) -> None:
    """Copy weights into a model, in place: all but the head.

    Parameters
    ----------
    model
        With fresh weights.
    weights
        Folder of a run, name of the zoo, or weight file.
    """
    folder = Path(weights)
    if files.is_run(folder):
        kept = folder / files.CHECKPOINTS
        path = kept / BEST if (kept / BEST).exists() else kept / LAST
        load_weights(model, load_tensors(path)[0], naming="sightline", fresh_head=True)
    else:
        load_weights(model, weights, fresh_head=True)


class Teacher:
    """A trained network whose answers another one learns.

    Parameters
    ----------
    run
        Folder of its run.
    classes
        The student's classes; the teacher must know the same ones, in the same order.
    channels
        Of the student's images.
    """

    def __init__(self, run: str, classes: Sequence[str], channels: int) -> None:
        predictor = load(run, device="cpu")
        recipe: Any = predictor.recipe
        if tuple(recipe.classes) != tuple(classes) or recipe.form.channels != channels:
            raise InputError(
                f"train: teacher '{run}' must know the same classes from images of {channels} channels; it knows "
                f"{', '.join(recipe.classes[:5])} from {recipe.form.channels}."
            )
        self.model = predictor.model.requires_grad_(False)
        self.size = tuple(recipe.form.size)

    @torch.no_grad()
    def answer(self, images: Tensor) -> Tensor:
        """Return B×classes logits for the student's B×C×H×W images."""
        self.model.to(images.device)
        if tuple(images.shape[-2:]) != self.size:
            images = F.interpolate(images, self.size, mode="bilinear", antialias=True)
        return self.model(images).float()


def distilled(student: Tensor, teacher: Tensor, softness: float) -> Tensor:
    """Return T² · KL(softmax(teacher / T) ‖ softmax(student / T)), the mean over the batch.

    Parameters
    ----------
    student, teacher
        B×classes logits.
    softness
        T; its square keeps the gradients' size.
    """
    wanted = F.log_softmax(teacher / softness, dim=1)
    given = F.log_softmax(student.float() / softness, dim=1)
    return softness**2 * F.kl_div(given, wanted, reduction="batchmean", log_target=True)


def losses_with(teacher: Teacher, model: nn.Module, images: Tensor, softness: float) -> tuple[list[Tensor], Tensor]:
    """Return the student's logits for the labels, as a list of one, and the loss against the teacher.

    Parameters
    ----------
    teacher
        Whose answers count.
    model
        The student, in training mode.
    images
        B×C×H×W.
    softness
        Temperature; a DeiT learns the teacher's first choice with a head of its own instead.
    """
    said = teacher.answer(images)
    if isinstance(model, DeiT):
        own, logits = model.all_logits(images)
        return [logits], F.cross_entropy(own.float(), said.argmax(dim=1))
    logits = model(images)
    return [logits], distilled(logits, said, softness)
