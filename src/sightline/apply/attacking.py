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
TOGETHER = ("universal_perturbation", "patch")  # one change for many pictures
_BOUNDED = ("fgsm", "pgd")  # they are told how far they may go; the others find out how far they must
_TARGETED = ("fgsm", "pgd", "cw_l2")
_SHOWN = 5  # attacked pictures on a sheet


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


def attacked_together(
    predictor: Any, data: Any, method: str, *, eps: float, images: int, target: str | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return a sheet of one change for many pictures and of some that have it, and on what share of others it works.

    Parameters
    ----------
    predictor
        A trained classifier.
    data
        Folder, file or name; its first test pictures are taken.
    method, eps, target
        As for :func:`made_together`, which says what is told.
    images
        Most pictures that are taken.

    Raises
    ------
    InputError
        When a patch has no target or a universal perturbation has one, or there are fewer than two pictures.
    """
    _index(predictor, None)
    _check_together(method, target)
    batch, _, name = _pictures(predictor, data, images)
    if len(batch) < 2:
        raise InputError(f"attack: {method} needs two pictures or more; '{name}' has {len(batch)}.")
    made, told = made_together(predictor, batch, method, eps=eps, target=target)
    tiles = [_channels_last(one) for one in (pattern_of(made), *made.apply(batch[1::2])[:_SHOWN])]
    return _side_by_side(tiles), told


def made_together(
    predictor: Any, batch: Any, method: str, *, eps: float, target: str | None = None, **options: Any
) -> tuple[Any, dict[str, Any]]:
    """Return one change for many pictures, and what it is worth.

    It is a ``UniversalPerturbation`` or an ``AdversarialPatch``, made from every second picture; the others say how
    well it works: ``works`` is the share of them that changes its answer or is taken for the target, ``before`` the
    share that is taken for the target as it is. ``made_from`` and ``tried_on`` count the pictures.

    Parameters
    ----------
    predictor
        A trained classifier.
    batch
        N×C×H×W float32 tensor in 0–1, as the model sees pictures; N ≥ 2.
    method
        One of :data:`TOGETHER`.
    eps
        How far a pixel may move, for a universal perturbation.
    target
        Name or number of the class that a patch is made for.
    **options
        Of the method.
    """
    from sightline.attack import patch, universal_perturbation

    _check_together(method, target)
    made_from, others = batch[::2], batch[1::2]
    before = _taken(predictor, others)
    made: Any
    if target is None:
        made = universal_perturbation(predictor.model, made_from, eps=eps, **options)
        works, worked = _taken(predictor, made.apply(others)) != before, 0.0
    else:
        index = class_index(predictor, target, verb="attack")
        made = patch(predictor.model, made_from, target=index, **options)
        works, worked = _taken(predictor, made.apply(others)) == index, float((before == index).mean())
    told = {"made_from": len(made_from), "tried_on": len(others), "before": worked, "works": float(works.mean())}
    return made, told


def pattern_of(made: Any) -> Any:
    """Return what :func:`made_together` made as something to look at, C×H×W in 0–1; grey is no change."""
    return 0.5 + made.change / (2 * made.eps if made.eps else 1) if hasattr(made, "change") else made.pattern


def _check_together(method: str, target: str | None) -> None:
    if (target is None) == (method == "patch"):
        needs = "is made for one class: name it with --target" if target is None else "goes to any class: no target"
        raise InputError(f"attack: {method} {needs}.")


def _channels_last(picture: Any) -> np.ndarray:
    """Return a C×H×W tensor as H×W×C."""
    return np.ascontiguousarray(picture.numpy().transpose(1, 2, 0))


def _taken(predictor: Any, batch: Any) -> np.ndarray:
    """Return the class that each picture of B×C×H×W is taken for."""
    import torch

    device = next(predictor.model.parameters()).device
    with torch.inference_mode():
        return torch.cat([predictor.model(part.to(device)).argmax(dim=1) for part in batch.split(64)]).cpu().numpy()


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
    return _side_by_side((seen, magnified(seen, found), found), smallest)


def _side_by_side(pictures: Sequence[np.ndarray], smallest: int = 240) -> np.ndarray:
    """Return H×W×C pictures in 0–1 beside each other, uint8, enlarged in whole pixels; lower ones are at the top."""
    scale = max(1, -(-smallest // min(pictures[-1].shape[:2])))
    height, tiles = max(len(tile) for tile in pictures), []
    for tile in pictures:
        rgb = np.repeat(tile, 3, axis=2) if tile.shape[2] == 1 else tile
        rgb = np.pad(rgb, ((0, height - len(rgb)), (0, 0), (0, 0)), constant_values=1)
        tiles += [np.repeat(np.repeat(rgb, scale, axis=0), scale, axis=1), np.ones((height * scale, 4, 3), np.float32)]
    sheet = np.concatenate(tiles[:-1], axis=1)
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
    from sightline.attack import certify
    from sightline.attack.recipe import curve_of

    _index(predictor, None)
    batch, classes, name = _pictures(predictor, data, images)
    other = None if substitute is None else substitute.model
    curve = curve_of(predictor.model, batch, classes, eps, norm, substitute=other)
    certified = None if sigma is None else certify(predictor.model, batch, classes, sigma=sigma)
    return curve, certified, name


def _pictures(predictor: Any, data: Any, images: int) -> tuple[Any, list[int], str]:
    """Return a dataset's first test pictures as the model sees them, B×C×H×W, their classes, and the set's name."""
    import torch

    from sightline.data import open_dataset

    opened = open_dataset(data)
    part = opened.split(next(name for name in ("test", "val", *opened.splits) if name in opened.splits))
    classes = [_index(predictor, opened.classes[label]) for label in part.labels[:images].tolist()]
    pictures = np.stack([predictor.recipe.form.prepare(part[i][0]) for i in range(len(classes))])
    batch = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))
    return batch, classes, opened.name


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
