"""Networks of one painting, as a person asks for them: learnt on photos, kept in a file, put to pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.apply.imagining import form_of, in_channels, shown, sized
from sightline.core.checks import integer
from sightline.core.errors import require
from sightline.core.types import PathLike

if TYPE_CHECKING:
    from sightline.explain import StyleNet

SUFFIX = ".safetensors"
PAINTED = 1024  # pixels of the longer side that a picture is painted at
_PAINTING = 256  # pixels of a painting's longer side


def is_network(name: PathLike) -> bool:
    """Return whether a file's name is that of a network of one painting."""
    return Path(name).suffix.lower() == SUFFIX


def networks(*folders: Path) -> dict[str, Path]:
    """Return the networks of one painting in some folders by the names of their files; the first of a name counts."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            if path.name not in found and _is_ours(path):
                found[path.name] = path
    return found


def _is_ours(path: Path) -> bool:
    """Tell by its head alone whether a file is a network of one painting."""
    require("torch")
    from safetensors import SafetensorError, safe_open

    from sightline.explain.style_net import KIND

    try:
        with safe_open(path, framework="numpy") as held:
            return json.loads((held.metadata() or {}).get("sightline", "{}")).get("kind") == KIND
    except (OSError, SafetensorError, ValueError):
        return False  # a file of another kind, or none that can be read


def learning(
    predictor: Any,
    style: np.ndarray,
    photos: Sequence[np.ndarray],
    *,
    size: int | None = None,
    iterations: int = 400,
    style_weight: float = 10.0,
    width: int = 16,
    seed: int = 0,
) -> Iterator[tuple[StyleNet, float]]:
    """Yield the network of one painting and its loss after each step of learning: always the same network.

    Parameters
    ----------
    predictor
        A trained classifier, which judges.
    style
        The painting, H×W or H×W×3.
    photos
        What it learns on, likewise; :func:`small` makes them take little memory.
    size
        Longer side in pixels that the painting is shrunk to; 256 when None. Learnt on are squares of half of it.
    iterations, style_weight, width, seed
        As ``sightline.explain.fast_style`` takes them.

    Raises
    ------
    InputError
        When the predictor is no classifier, or an option is out of its range.
    """
    from sightline.explain.fast_style import learning as steps_of_learning

    size = integer("imagine", "size", _PAINTING if size is None else size, 32, 2048)
    channels = form_of(predictor).channels
    pictures = [in_channels(photo, channels) for photo in photos]
    options = {"width": width, "size": size // 2, "iterations": iterations, "style_weight": style_weight, "seed": seed}
    return steps_of_learning(predictor.model, sized(style, size, channels), pictures, **options)


def small(photo: np.ndarray, size: int | None = None) -> np.ndarray:
    """Return a photo with a shorter side of what is learnt on, or as it is when it is smaller.

    Parameters
    ----------
    photo
        H×W or H×W×3.
    size
        As :func:`learning` takes it.
    """
    from sightline.image import resize

    share = min(1.0, (_PAINTING if size is None else size) // 2 / min(photo.shape[:2]))
    height, width = (max(1, round(side * share)) for side in photo.shape[:2])
    return photo if share == 1 else resize(photo, (height, width))


def painted(net: StyleNet, picture: np.ndarray, size: int | None = None) -> np.ndarray:
    """Return a picture as a network of one painting paints it, H×W or H×W×3 uint8.

    Parameters
    ----------
    net
        The network.
    picture
        H×W or H×W×3, 16 pixels a side or more.
    size
        Longer side in pixels that a larger picture is shrunk to; 1024 when None.
    """
    size = integer("imagine", "size", PAINTED if size is None else size, 16, 16384)
    return shown(net.paint(sized(picture, size, net.channels)))
