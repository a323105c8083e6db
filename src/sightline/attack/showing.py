"""What an attack shows of itself: the picture, the answer as it tips, the perturbation made visible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sightline.attack.attempt import Attempt
from sightline.core.layers import Curve, Heat, Picture, Table, Value
from sightline.core.trace import Step
from sightline.nn.probe import picture_of

_FIRST = 6  # classes whose probabilities are told: more cannot be read


def begin(attempt: Attempt) -> Step:
    """Return the step that shows what is attacked, the first picture of a batch."""
    said = f"Taken for class {int(attempt.scores(attempt.clean[:1]).argmax())}."
    return Step("picture", Picture(picture_of(attempt.clean)), note=said)


def answers(attempt: Attempt, iterates: Sequence[Tensor], name: str = "answers") -> Step:
    """Return the step that shows the model's probabilities, one row for each of the attack's steps.

    Parameters
    ----------
    attempt
        The attack.
    iterates
        Batches from the clean one to the last; their first images are shown.
    name
        Of the step.
    """
    rows = attempt.scores(torch.cat([batch[:1] for batch in iterates])).float().softmax(dim=1).to("cpu").numpy()
    label = int(attempt.labels[0])
    order = [label, *[k for k in np.argsort(-rows.max(axis=0), kind="stable").tolist() if k != label]][:_FIRST]
    steps = np.arange(len(rows), dtype=np.float32)
    told = np.concatenate([steps[:, None], rows[:, order]], axis=1)
    curve = np.stack([steps, rows[:, label]], axis=1)
    note = f"The probability of class {label}, and below it of those that rise; a row a step."
    columns = ("step", *(f"class {k}" for k in order))
    return Step(name, Curve(curve, ("step", f"probability of {label}")), Table(told, columns), note=note)


def end(attempt: Attempt, images: Tensor) -> Iterator[Step]:
    """Yield the perturbation, stretched so that it can be seen, and the result."""
    change = images[:1] - attempt.clean[:1]
    largest, length = float(change.abs().max()), float(change.norm())
    note = f"Stretched to be seen: the largest change of a pixel is {largest:.3g}, the length {length:.3g}."
    yield Step("perturbation", Heat(values(change)), note=note)
    result = attempt.result(images)
    array = result.to("cpu").numpy() if isinstance(result, Tensor) else result
    taken = int(attempt.scores(images[:1]).argmax())
    yield Step("adversarial", Value(array), Picture(picture_of(images)), note=f"Taken for class {taken}.")


def values(batch: Tensor) -> np.ndarray:
    """Return the first image's signed values, H×W: of each pixel the channel that differs most from nothing."""
    first = batch[0].detach().to("cpu", torch.float32)
    return first.gather(0, first.abs().argmax(dim=0, keepdim=True))[0].numpy()
