"""Mixed batches: Mixup adds two images, CutMix sets a rectangle of one into the other; the targets mix likewise.

Zhang et al. 2018, "mixup: Beyond empirical risk minimization"; Yun et al. 2019, "CutMix".
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Range, Seed


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return labels as rows with a single 1, float32 B×``classes``: the targets that mixing needs.

    Parameters
    ----------
    labels
        B whole numbers in 0 … ``classes`` − 1.
    classes
        Number of classes, ≥ 1.

    Examples
    --------
    >>> import numpy as np
    >>> one_hot(np.array([2, 0]), 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    classes = integer("one_hot", "classes", classes, 1)
    labels = np.asarray(labels)
    inside = labels.ndim == 1 and labels.dtype.kind in "iu" and bool(((labels >= 0) & (labels < classes)).all())
    if not inside:
        raise InputError(f"one_hot: labels must be B whole numbers in 0–{classes - 1}; got {describe(labels)}.")
    return np.eye(classes, dtype=np.float32)[labels]


@method(task="augmentation", paper="Zhang et al. 2018", lesson="w5d2")
def mixup(
    images: np.ndarray, targets: np.ndarray, *, alpha: Annotated[float, Range(0, 4)] = 0.2, seed: Seed = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return each image and target of a batch mixed with those of another one: λ of the first, 1 − λ of the second.

    λ is drawn once for the batch, from Beta(α, α). NaN spreads to the images that it is mixed into.

    Parameters
    ----------
    images
        B×… float32: B×C×H×W or B×H×W×C.
    targets
        B×K float32, such as :func:`one_hot` makes.
    alpha
        Strength, 0–4; 0 changes nothing.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    images, targets
        New arrays of the same shapes, float32.

    References
    ----------
    H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: Beyond empirical risk minimization", ICLR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> images, targets = mixup(np.zeros((2, 1, 4, 4), np.float32), one_hot(np.array([0, 1]), 2), alpha=1.0, seed=5)
    >>> targets.sum(axis=1).tolist()
    [1.0, 1.0]
    """
    _check_batch("mixup", images, targets)
    alpha = number("mixup", "alpha", alpha, 0, 4)
    random = generator(seed)
    share = np.float32(random.beta(alpha, alpha)) if alpha > 0 else np.float32(1)
    partner = random.permutation(len(images))
    mixed = share * images + (1 - share) * images[partner]
    return mixed, share * targets + (1 - share) * targets[partner]


@method(task="augmentation", paper="Yun et al. 2019", lesson="w5d2")
def cutmix(
    images: np.ndarray, targets: np.ndarray, *, alpha: Annotated[float, Range(0, 4)] = 1.0, seed: Seed = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch with one rectangle of each image replaced by the same rectangle of another image.

    The rectangle has the sides H√(1 − λ) and W√(1 − λ), λ from Beta(α, α), its centre is any pixel; the targets mix by
    the area that is really covered. Values are moved, never computed with: NaN stays where it is, or moves along.

    Parameters
    ----------
    images
        B×C×H×W float32; B×H×W×1 and B×H×W×3 are refused, for the rectangle would be cut through channels.
    targets
        B×K float32, such as :func:`one_hot` makes.
    alpha
        Strength, 0–4; 0 changes nothing.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    images, targets
        New arrays of the same shapes, float32.

    References
    ----------
    S. Yun et al., "CutMix: Regularization strategy to train strong classifiers with localizable features", ICCV 2019.

    Examples
    --------
    >>> import numpy as np
    >>> batch = np.stack([np.zeros((1, 4, 4), np.float32), np.ones((1, 4, 4), np.float32)])
    >>> images, targets = cutmix(batch, one_hot(np.array([0, 1]), 2), seed=4)
    >>> bool(np.allclose(images.mean(axis=(1, 2, 3)), targets[:, 1]))
    True
    """
    _check_batch("cutmix", images, targets)
    if images.ndim != 4 or (images.shape[3] in (1, 3) and images.shape[1] not in (1, 3)):
        last = images.ndim == 4
        hint = " For B×H×W×C use np.moveaxis(images, 3, 1)." if last else " For one channel use images[:, None]."
        raise InputError(f"cutmix: images must be B×C×H×W float32; got {describe(images)}.{hint}")
    alpha = number("cutmix", "alpha", alpha, 0, 4)
    random = generator(seed)
    cut = math.sqrt(1 - random.beta(alpha, alpha)) if alpha > 0 else 0.0
    partner = random.permutation(len(images))
    height, width = images.shape[2:]
    y, x = int(random.integers(height)), int(random.integers(width))
    h, w = int(height * cut), int(width * cut)
    rows = slice(max(y - h // 2, 0), min(y - h // 2 + h, height))
    columns = slice(max(x - w // 2, 0), min(x - w // 2 + w, width))
    mixed = images.copy()
    mixed[:, :, rows, columns] = images[partner, :, rows, columns]
    covered = np.float32((rows.stop - rows.start) * (columns.stop - columns.start) / (height * width))
    return mixed, (1 - covered) * targets + covered * targets[partner]


def _check_batch(function: str, images: object, targets: object) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.float32 or images.ndim < 2 or not images.size:
        raise InputError(f"{function}: images must be B×C×H×W float32; got {describe(images)}.")
    if not isinstance(targets, np.ndarray) or targets.dtype != np.float32 or targets.ndim != 2:
        hint = " Use one_hot(labels, classes)."
        raise InputError(f"{function}: targets must be B×K float32; got {describe(targets)}.{hint}")
    if len(images) != len(targets):
        raise InputError(f"{function}: targets must be {len(images)}×K float32; got {describe(targets)}.")
