"""DeepFool: walk to the nearest boundary as if it were flat, look again, walk on.

Moosavi-Dezfooli, Fawzi, Frossard 2016, "DeepFool: A Simple and Accurate Method to Fool Deep Neural Networks", CVPR,
algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor, nn

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.fgsm import Pictures
from sightline.attack.showing import answers, begin, end
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.trace import Step
from sightline.core.types import Range
from sightline.nn.probe import Target

_TINY = 1e-12  # no distance is divided by less


@method(task="attack", paper="Moosavi-Dezfooli 2016", lesson="w9d4")
def deep_fool(
    model: nn.Module,
    images: Pictures,
    labels: Target = None,
    *,
    classes: Annotated[int, Range(2, 1000)] = 10,
    overshoot: Annotated[float, Range(0, 1)] = 0.02,
    steps: Annotated[int, Range(1, 1000)] = 50,
) -> Pictures:
    """Return pictures just across the nearest decision boundary, by the shortest way that linear steps find.

    A picture that is not taken for its label to begin with comes back as it is. NaN and infinity in the images are
    refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; mean and deviation lie inside it.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    labels
        True class, or one for each image; the model's own answers when None.
    classes
        How many classes of the highest scores count, ≥ 2: a boundary with one that nobody thinks of is far away.
    overshoot
        Share by which the whole way is made longer, ≥ 0, so that the picture ends beyond the boundary and not on it.
    steps
        Most steps that are taken, ≥ 1.

    Returns
    -------
    Tensor or array
        Of the shape of ``images``, float32 in 0–1.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, a class does not exist, or an option is out of its range.

    References
    ----------
    Moosavi-Dezfooli, Fawzi, Frossard, "DeepFool: A Simple and Accurate Method to Fool Deep Neural Networks", CVPR 2016.

    Examples
    --------
    A linear model has a flat boundary, here where the pixels are equal; one step is enough:

    >>> import torch
    >>> from sightline.attack import deep_fool
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.eye(2))
    >>> deep_fool(model, torch.tensor([[[0.6, 0.4]]]), overshoot=0.1)
    tensor([[[0.4900, 0.5100]]])
    """
    classes, overshoot, steps = _checked(classes, overshoot, steps)
    with attempting("deep_fool", model, images, labels, None) as attempt:
        x = attempt.clean
        for x in walk(attempt, classes, steps):  # noqa: B007 - the last one is wanted
            pass
        return attempt.result(beyond(attempt.clean, x, overshoot))  # pyrefly: ignore


@deep_fool.steps
def _(
    model: nn.Module,
    images: Pictures,
    labels: Target = None,
    *,
    classes: int = 10,
    overshoot: float = 0.02,
    steps: int = 50,
) -> Iterator[Step]:
    classes, overshoot, steps = _checked(classes, overshoot, steps)
    with attempting("deep_fool", model, images, labels, None) as attempt:
        yield begin(attempt)
        walked = [attempt.clean, *walk(attempt, classes, steps)]
        last = beyond(attempt.clean, walked[-1], overshoot)
        yield answers(attempt, [*walked, last])
        yield from end(attempt, last)


def walk(attempt: Attempt, classes: int, steps: int) -> Iterator[Tensor]:
    """Yield the batch after each step to the nearest boundary, until no picture is taken for its label any more.

    Parameters
    ----------
    attempt
        The attack.
    classes
        How many classes count.
    steps
        Most steps.
    """
    scores = attempt.scores(attempt.clean)
    first = attempt.labels[:, None]
    others = scores.scatter(1, first, -torch.inf).argsort(dim=1, descending=True)[:, : classes - 1]
    order = torch.cat([first, others[:, : scores.shape[1] - 1]], dim=1)  # B×K, the label first
    active = ~attempt.fooled(scores)
    x = attempt.clean.clone()
    for _ in range(steps):
        if not active.any():
            return
        moved = (x[active] + _to_boundary(attempt.model, x[active], order[active])).clamp_(0, 1)
        x = x.clone()
        x[active] = moved
        active = ~attempt.fooled(attempt.scores(x))
        yield x


def beyond(clean: Tensor, images: Tensor, overshoot: float) -> Tensor:
    """Return the whole way from ``clean`` to ``images``, longer by the share ``overshoot``, within 0–1."""
    return (clean + (1 + overshoot) * (images - clean)).clamp_(0, 1)


def _to_boundary(model: nn.Module, x: Tensor, order: Tensor) -> Tensor:
    """Return the shortest steps to the nearest of the boundaries, all of them taken to be flat."""
    x = x.detach().requires_grad_()
    scores = model(x).gather(1, order)  # B×K
    last = scores.shape[1] - 1
    gradients = [torch.autograd.grad(scores[:, k].sum(), x, retain_graph=k < last)[0] for k in range(last + 1)]
    w = torch.stack(gradients[1:], dim=1) - gradients[0][:, None]  # ∇f_k − ∇f_label, B×(K−1)×C×H×W
    f = (scores[:, 1:] - scores[:, :1]).detach().abs()
    length = w.flatten(2).norm(dim=2).clamp_min(_TINY)
    nearest = (f / length).argmin(dim=1)  # l = argmin_k |f_k| / ‖w_k‖
    rows = torch.arange(len(x), device=x.device)
    size = f[rows, nearest] / length[rows, nearest] ** 2
    return size.view(-1, 1, 1, 1) * w[rows, nearest]  # r = |f_l| / ‖w_l‖² · w_l


def _checked(classes: int, overshoot: float, steps: int) -> tuple[int, float, int]:
    return (
        integer("deep_fool", "classes", classes, 2),
        number("deep_fool", "overshoot", overshoot, 0.0, 1e6),
        integer("deep_fool", "steps", steps, 1, 100_000),
    )
