"""What the attack room shows: a picture before and after an attack, the change between, and the way there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.apply.attacking import answers, attacked, magnified
from sightline.core.results import Classification
from sightline.core.trace import Step, Trace
from sightline.lab.inspecting import picture_of
from sightline.serve.models import Ready

RADII = tuple(level / 255 for level in (0, 0.5, 1, 2, 4, 6, 8, 12, 16, 24, 32))  # of the curve
_TOP, _LINES = 5, 4  # answers that are told, and classes whose curves are drawn


def attacked_picture(predictor: Any, picture: np.ndarray, method: str, eps: float, target: str | None) -> bytes:
    """Return a trace of what the model sees, the change magnified, and the attacked picture; ``about`` has the answers.

    Parameters
    ----------
    predictor
        A trained classifier.
    picture
        H×W or H×W×3 uint8.
    method
        ``fgsm`` or ``pgd``; ``deep_fool`` or ``cw_l2``, which find a short change by themselves.
    eps
        How far a pixel may move, in 0–1; for the first two.
    target
        Name of the class to be taken for; any other when None.
    """
    seen, found = attacked(predictor, picture, method, eps=eps, target=target)
    before, after = answers(predictor, [seen, found])
    steps = (
        Step("what the model sees", picture_of(seen)),
        Step("change", picture_of(magnified(seen, found))),
        Step("attacked", picture_of(found)),
    )
    about = {
        "before": before.top(_TOP).to_json()["top"],
        "after": after.top(_TOP).to_json()["top"],
        "largest": float(np.abs(found - seen).max()),
        "length": float(np.linalg.norm(found - seen)),
    }
    return Trace(f"attack.{method}", {"eps": eps, "target": target}, steps, about).to_bytes()


def swept(stop: Callable[[], None], ready: Ready, picture: np.ndarray, method: str, target: str | None) -> Any:
    """Return the probabilities of a few classes at each of :data:`RADII`: the first answer, the target, who takes over.

    Parameters
    ----------
    stop
        Asked between two radii.
    ready
        The loaded classifier; others may look into it between two radii.
    picture, method, target
        As for :func:`attacked_picture`.
    """
    said: list[Classification] = []
    for eps in RADII:
        stop()
        with ready.to_look_into() as predictor:
            _, changed = attacked(predictor, picture, method, eps=eps, target=target)
            said += answers(predictor, [changed])
    shares = [dict(one) for one in said]
    highest = {name: max(share[name] for share in shares) for one in said for name in one.labels[:_TOP]}
    first = [said[0].label, *([] if target is None else [target])]
    others = sorted(highest, key=lambda name: -highest[name])
    shown = list(dict.fromkeys([*first, *others]))[:_LINES]
    lines = [{"label": name, "probabilities": [share[name] for share in shares]} for name in shown]
    return {"radii": list(RADII), "labels": [one.label for one in said], "lines": lines}
