"""A trained model under attack: one picture that fools it, or how far it resists on its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.apply.explaining import class_index, known_classes
from sightline.core.errors import InputError, suggest
from sightline.core.results import Classification

if TYPE_CHECKING:
    from sightline.attack.certify import Certificates
    from sightline.attack.robustness_curve import RobustnessCurve

METHODS = ("fgsm", "pgd", "deep_fool", "cw_l2")
_BOUNDED = ("fgsm", "pgd")  # they are told how far they may go; the others find out how far they must
_TARGETED = ("fgsm", "pgd", "cw_l2")


def attacked(
    predictor: Any, picture: np.ndarray, method: str, *, eps: float, target: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the model sees of a picture and what the attack makes of it, H×W×C float32 in 0–1.

    Parameters
    ----------
    predictor
        A trained classifier.
    picture
        H×W or H×W×3.
    method
        One of :data:`METHODS`.
    eps
        How far a pixel may move, for those that are told.
    target
        Name or number of the class to be taken for; any other when None.
    """
    import sightline.attack
    from sightline.core.conversions import to_float

    options: dict[str, Any] = {"eps": eps} if method in _BOUNDED else {}
    if target is not None:
        if method not in _TARGETED:
            raise InputError(f"attack: {method} goes to the nearest class, and takes no target. Use method pgd.")
        options["target"] = class_index(predictor, target, verb="attack")
    _index(predictor, None)
    seen = to_float(predictor.recipe.form.prepare(picture))
    return seen, getattr(sightline.attack, method)(predictor.model, seen, **options)


def answers(predictor: Any, pictures: Sequence[np.ndarray]) -> list[Classification]:
    """Return what the model says of pictures in its own form, whose values need not be whole levels.

    Parameters
    ----------
    predictor
        A trained classifier.
    pictures
        H×W×C float32 in 0–1, as :func:`attacked` gives them.
    """
    import torch

    batch = torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        scores = predictor.model(batch.to(next(predictor.model.parameters()).device)).float().softmax(dim=1)
    return [Classification.ranked(predictor.recipe.classes, row) for row in scores.cpu().numpy()]


def magnified(seen: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return the change from one picture to the other, stretched so that its largest value is black or white.

    Parameters
    ----------
    seen, found
        H×W×C float32 in 0–1; where they agree, the result is grey.
    """
    change = found - seen
    return 0.5 + change / (2 * max(float(np.abs(change).max()), 1e-12))


def sheet_of(seen: np.ndarray, found: np.ndarray, *, smallest: int = 240) -> np.ndarray:
    """Return the picture, the change stretched to be seen (grey is none), and the attacked picture, side by side."""
    scale = max(1, -(-smallest // min(seen.shape[:2])))
    tiles = []
    for tile in (seen, magnified(seen, found), found):
        rgb = np.repeat(tile, 3, axis=2) if tile.shape[2] == 1 else tile
        tiles.append(np.repeat(np.repeat(rgb, scale, axis=0), scale, axis=1))
    gap = np.ones((tiles[0].shape[0], 4, 3), np.float32)
    sheet = np.concatenate([tiles[0], gap, tiles[1], gap, tiles[2]], axis=1)
    return (np.clip(sheet, 0, 1) * 255 + 0.5).astype(np.uint8)


def resistance(
    predictor: Any, data: Any, *, eps: float, norm: str, images: int, substitute: Any = None, sigma: float | None = None
) -> tuple[RobustnessCurve, Certificates | None, str]:
    """Return how far a trained model resists on a dataset's test pictures, what is certain of it, and the set's name.

    Parameters
    ----------
    predictor
        A trained classifier.
    data
        Folder, file or name.
    eps
        The curve goes to twice this radius.
    norm
        ``inf`` or ``l2``.
    images
        Most pictures that are attacked.
    substitute
        Another trained classifier, whose pictures are tried on this one.
    sigma
        Deviation of the noise that certificates are voted under; None asks for none.
    """
    import torch

    from sightline.attack import certify
    from sightline.attack.recipe import curve_of
    from sightline.data import open_dataset

    _index(predictor, None)
    opened = open_dataset(data)
    part = opened.split(next(name for name in ("test", "val", *opened.splits) if name in opened.splits))
    classes = [_index(predictor, opened.classes[label]) for label in part.labels[:images].tolist()]
    pictures = np.stack([predictor.recipe.form.prepare(part[i][0]) for i in range(len(classes))])
    batch = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))
    other = None if substitute is None else substitute.model
    curve = curve_of(predictor.model, batch, classes, eps, norm, substitute=other)
    certified = None if sigma is None else certify(predictor.model, batch, classes, sigma=sigma)
    return curve, certified, opened.name


def _index(predictor: Any, name: str | None) -> int:
    """Return the index of a class by its name; raise when the model tells no classes apart, or none of that name."""
    recipe = predictor.recipe
    if not hasattr(recipe, "classes") or not hasattr(recipe, "form"):
        raise InputError(f"attack: {recipe.name} tells no classes of pictures apart; there is nothing to attack.")
    if name is None:
        return -1
    if name not in recipe.classes:
        known = known_classes(recipe.classes)
        raise InputError(f"attack: no class is named '{name}'.{suggest(name, recipe.classes)} {known}")
    return recipe.classes.index(name)
