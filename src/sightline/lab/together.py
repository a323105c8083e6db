"""One change for many pictures in the attack room: learnt once for a model, and laid over the picture at hand."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from sightline.apply.attacking import answers, made_together, pattern_of
from sightline.core.errors import InputError
from sightline.core.trace import Step, Trace
from sightline.lab.inspecting import held_out, picture_of
from sightline.lab.kept import Kept
from sightline.lab.lab import Lab
from sightline.serve.failures import RequestError

_SECONDS = 180.0  # for learning
_MOST = 64  # pictures of a run's data
_TOP = 5  # answers that are told
_SHOWN = 6  # pictures that it was not made from
_SMALL = 64**2  # pixels of what a network sees, up to which it is asked more often
_UNIVERSAL = {"passes": 4, "steps": 20, "classes": 5}
_PATCHES = {"steps": 200, "batch_size": 16}, {"steps": 60, "batch_size": 8}  # of small pictures, of others


class Learnt(NamedTuple):
    """One change for many pictures, what it is worth, and what it was made from.

    Parameters
    ----------
    made
        A ``UniversalPerturbation`` or an ``AdversarialPatch``.
    told
        Counts and shares, as :func:`~sightline.apply.attacking.made_together` gives them, the one before it is there as
        ``already``; ``pictures`` in words, and the ``losses`` of a patch's making.
    others
        N×C×H×W, some of the pictures that it was not made from.
    """

    made: Any
    told: dict[str, Any]
    others: Any


class Learning:
    """What was learnt for the models of a lab, and the one change that is being learnt: the next one ends it.

    Parameters
    ----------
    lab
        Where the models are.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab, self._kept = lab, Kept()
        self._task: asyncio.Task[Learnt] | None = None
        self._key: Hashable = None

    async def __call__(self, name: str, method: str, eps: float, target: str) -> Learnt:
        """Return a change, learnt where it is not kept; raise a :class:`RequestError` when another was asked for.

        Parameters
        ----------
        name
            Of the model.
        method, eps, target
            As for :func:`~sightline.apply.attacking.made_together`; an empty target is none.
        """
        if (method == "patch") != bool(target):
            said = "is made for one class: name its target" if not target else "goes to any class: it takes no target"
            raise InputError(f"attack: {method} {said}.")
        model = weakref.ref((await self._lab.model(name)).predictor)  # a new one when the weights are written anew
        key = model, method, eps if method != "patch" else None, target
        if key in self._kept.answers:
            return self._kept(key, lambda: None)
        if self._task is None or self._task.done() or key != self._key:
            if self._task is not None:
                self._task.cancel()
            work = self._lab.borrow(name, _learn, method, eps, target or None, seconds=_SECONDS)
            self._task, self._key = asyncio.create_task(work), key
        task = self._task
        try:
            found = await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            raise RequestError(409, "attack: another change was asked for before this one was learnt.") from None
        return self._kept(key, lambda: found)


def over(predictor: Any, picture: np.ndarray, learnt: Learnt, method: str, seed: int) -> bytes:
    """Return a trace of what the model sees, the change, the picture that has it, and of others that have it.

    ``about`` has the answers ``before`` and ``after``, what the change is worth, and for each of the ``others`` the
    surest answer before and after.

    Parameters
    ----------
    predictor
        The classifier that it was learnt for.
    picture
        H×W or H×W×3 uint8.
    learnt
        The change.
    method
        Its method.
    seed
        Of where a patch lies.
    """
    import torch

    seen = torch.from_numpy(predictor.recipe.form.prepare(picture).transpose(2, 0, 1).astype(np.float32) / 255)
    places = {"seed": seed} if method == "patch" else {}
    bound = {"target": predictor.recipe.classes[learnt.made.target]} if places else {"eps": learnt.made.eps}
    found, stuck = learnt.made.apply(seen, **places), learnt.made.apply(learnt.others, **places)
    pictures = [_channels_last(one) for one in (seen, found, *learnt.others, *stuck)]
    before, after, *rest = answers(predictor, pictures)
    were, are = rest[: len(stuck)], rest[len(stuck) :]
    steps = (
        Step("what the model sees", picture_of(pictures[0])),
        Step("change", picture_of(_channels_last(_cut_out(learnt.made)))),
        Step("attacked", picture_of(pictures[1])),
        *(Step(f"other {i + 1}", picture_of(one)) for i, one in enumerate(pictures[2 + len(stuck) :])),
    )
    about = {
        **learnt.told,
        "before": before.top(_TOP).to_json()["top"],
        "after": after.top(_TOP).to_json()["top"],
        "largest": float((found - seen).abs().max()),
        "length": float((found - seen).norm()),
        "others": [{"before": was.label, "after": now.label} for was, now in zip(were, are, strict=True)],
    }
    return Trace(f"attack.{method}", {**bound, **places}, steps, about).to_bytes()


def _learn(predictor: Any, method: str, eps: float, target: str | None) -> Learnt:
    """Return one change for the test pictures of a run, or for those of the package where a model is no run."""
    import torch

    from sightline.data.sample import SAMPLES, sample
    from sightline.train.folder import is_run

    if is_run(predictor.folder):
        part, _, _ = held_out(predictor)
        rows = np.unique(np.linspace(0, len(part) - 1, min(_MOST, len(part))).round().astype(int)).tolist()
        images, said = [part[i][0] for i in rows], "test pictures"
    else:
        images, said = [sample(name) for name in SAMPLES], "bundled pictures"
    if len(images) < 2:
        raise InputError(f"attack: {method} needs two pictures or more; the run's data has {len(images)}.")
    seen = np.stack([predictor.recipe.form.prepare(image) for image in images])
    batch = torch.from_numpy(seen.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))
    options = _UNIVERSAL if target is None else _PATCHES[batch[0, 0].numel() > _SMALL]
    made, told = made_together(predictor, batch, method, eps=eps, target=target, **options)
    others = batch[1::2]
    shown = np.unique(np.linspace(0, len(others) - 1, min(_SHOWN, len(others))).round().astype(int))
    worth = {"already": told.pop("before"), **told, "pictures": said}
    worth["losses"] = [] if target is None else list(made.losses)
    return Learnt(made, worth, others[torch.from_numpy(shown)].clone())


def _cut_out(made: Any) -> Any:
    """Return the pattern of a change, C×H×W in 0–1; of a round sticker what is never laid down is white."""
    import torch

    pattern = pattern_of(made).clamp(0, 1)
    if getattr(made, "shape", "") != "disc":
        return pattern
    place = (torch.arange(pattern.shape[1]) + 0.5) / pattern.shape[1] * 2 - 1
    return torch.where(place[:, None] ** 2 + place**2 <= 1, pattern, torch.ones(()))


def _channels_last(picture: Any) -> np.ndarray:
    return np.ascontiguousarray(picture.numpy().transpose(1, 2, 0))
