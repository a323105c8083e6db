"""What looking into a model and attacking it need: images as a batch, the classes, and a model left as it was found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.checks import describe
from sightline.core.conversions import channels_first, to_float
from sightline.core.errors import InputError

Images = Tensor | np.ndarray
Target = int | Sequence[int] | Tensor | np.ndarray | None


@contextlib.contextmanager
def probing(model: nn.Module) -> Iterator[None]:
    """Put the model in eval mode with gradients on; afterwards every module is in the mode that it was in.

    Gradients are asked for by ``torch.autograd.grad``, so the parameters' ``.grad`` is never touched.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            model.eval()
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def as_batch(function: str, model: nn.Module, images: Images) -> tuple[Tensor, bool]:
    """Return ``images`` as a fresh B×C×H×W float32 batch on the model's device, and whether there was only one.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        Says which device.
    images
        Tensor B×C×H×W or C×H×W, float32 0–1; or one image as an array, H×W or H×W×C.
    """
    if isinstance(images, np.ndarray):
        batch = torch.from_numpy(channels_first(to_float(images)).copy())[None]
        single = True
    elif isinstance(images, Tensor) and images.ndim in (3, 4) and images.is_floating_point():
        single = images.ndim == 3
        batch = images.detach().to(torch.float32)[None] if single else images.detach().to(torch.float32)
    else:
        came = f"{'×'.join(map(str, images.shape))} {images.dtype}" if isinstance(images, Tensor) else describe(images)
        raise InputError(
            f"{function}: images must be a B×C×H×W or C×H×W float tensor in 0–1, or one H×W or H×W×C array; got {came}."
        )
    if 0 in batch.shape:
        raise InputError(f"{function}: images must have at least one pixel; got {'×'.join(map(str, images.shape))}.")
    if not torch.isfinite(batch).all():
        raise InputError(f"{function}: images must be finite; got NaN or infinite values.")
    first = next(model.parameters(), None)
    return batch.to(first.device if first is not None else batch.device, copy=True), single


def scores_of(function: str, model: nn.Module, batch: Tensor) -> Tensor:
    """Return the model's B×classes scores, or refuse a model that gives something else, or NaN."""
    scores = model(batch)
    if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != len(batch):
        came = "×".join(map(str, scores.shape)) if isinstance(scores, Tensor) else type(scores).__name__
        raise InputError(f"{function}: model must return scores B×classes for a batch; got {came}.")
    return numbers_of(function, model, scores, "scores")


def numbers_of(function: str, model: nn.Module, values: Tensor, what: str = "maps") -> Tensor:
    """Return what a model gives, or refuse NaN in it and name the first weights that are no finite numbers.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        Whose values they are.
    values
        Of any shape.
    what
        What they are, in the plural.
    """
    if not values.isnan().any():
        return values
    held = (name for name, value in model.state_dict().items() if not torch.isfinite(value).all())
    first = next(held, None)
    cause = "" if first is None else f" Its weights hold NaN or infinity, the first ones in '{first}'."
    raise InputError(f"{function}: model must give {what} that are numbers; got NaN.{cause}")


def chosen(function: str, scores: Tensor, target: Target, *, argument: str = "target") -> Tensor:
    """Return B class indices: the given ones, or each image's best class when ``target`` is None.

    Parameters
    ----------
    function
        Name for the error's sentence.
    scores
        B×classes.
    target
        One class index for all images, one for each, or None.
    argument
        What the caller calls ``target``, for the error's sentence.
    """
    count, classes = scores.shape
    if target is None:
        return scores.argmax(dim=1)
    named = np.array(target) if isinstance(target, np.ndarray) else target  # of its own: it may be read-only
    wanted = torch.as_tensor(named, device=scores.device).reshape(-1)
    if wanted.is_floating_point() or wanted.dtype == torch.bool or len(wanted) not in (1, count):
        raise InputError(
            f"{function}: {argument} must be a class index, or one for each of {count} images; got {target!r}."
        )
    if int(wanted.min()) < 0 or int(wanted.max()) >= classes:
        raise InputError(f"{function}: {argument} must be in 0–{classes - 1}; got {target!r}.")
    return wanted.long().expand(count)


def score_of(scores: Tensor, target: Tensor) -> Tensor:
    """Return B scores, those of the target classes."""
    return scores.gather(1, target[:, None])[:, 0]


def heat_maps(maps: Tensor, single: bool) -> np.ndarray:
    """Return B×H×W maps as a float32 array, H×W when there was a single image."""
    array = maps.detach().to("cpu", torch.float32).numpy()
    return array[0] if single else array


def patterns(signal: Tensor, single: bool) -> np.ndarray:
    """Return B×C×H×W as a float32 array of pictures, B×H×W×C, H×W×C when there was a single image."""
    array = signal.detach().permute(0, 2, 3, 1).to("cpu", torch.float32).contiguous().numpy()
    return array[0] if single else array


def as_single(function: str, model: nn.Module, image: Images) -> Tensor:
    """Return one image as a 1×C×H×W float32 batch on the model's device; several are refused."""
    batch, _ = as_batch(function, model, image)
    if len(batch) != 1:
        raise InputError(f"{function}: image must be one image; got {len(batch)}. Give them one after the other.")
    return batch


def picture_of(batch: Tensor) -> np.ndarray:
    """Return the first image of a batch as a picture: H×W×3, or H×W when it has no three channels."""
    image = batch[0].detach().to("cpu", torch.float32).clamp(0, 1).numpy()
    return np.ascontiguousarray(image.transpose(1, 2, 0)) if len(image) == 3 else image[0]
