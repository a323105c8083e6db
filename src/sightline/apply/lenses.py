"""Where detectors that attend look: the query that becomes a box, the words of a phrase; as heat over the picture."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from sightline.core.errors import InputError

Lens = Literal["query_attention", "word_attention"]
LENSES = get_args(Lens)
_SMALLEST = 240  # pixels of a side that a picture is enlarged to
_SIZE = 640  # pixels of the longer side, for a detector that does not say what it sees


def look_through(
    predictor: Any, picture: np.ndarray, method: str, target: str | None
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return a picture with the attention of a detector as heat over it, H×W×3 uint8, and what is seen there.

    Parameters
    ----------
    predictor
        A detector of sets for ``query_attention``, one that takes words for ``word_attention``.
    picture
        H×W or H×W×3.
    method
        One of :data:`LENSES`.
    target
        For a query the class that it answers in the end, the surest of all when None; for words what to look for, with
        a full stop behind each phrase.

    Raises
    ------
    InputError
        When the model has no such attention, no query answers the class, or there are no words.
    """
    return _query(predictor, picture, target) if method == "query_attention" else _words(predictor, picture, target)


def _query(predictor: Any, picture: np.ndarray, target: str | None) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the box of one query after the last layer, and what it looked at there."""
    from sightline.apply.explaining import class_index
    from sightline.detect.prepare import colour, frame_of
    from sightline.detect.query_lens import query_lens

    recipe = predictor.recipe
    pixels = colour(picture)
    place = frame_of(pixels.shape[:2], getattr(recipe, "size", _SIZE), getattr(recipe, "square", False))
    seen = place.image(pixels)
    lens = query_lens(predictor.model, seen.astype(np.float32) / 255)
    scores, labels = lens.scores[-1], lens.labels[-1]
    allowed = np.ones(len(scores), bool) if target is None else labels == class_index(predictor, target)
    if not allowed.any():
        raise InputError(f"explain: of {len(scores)} queries none answers '{target}' after the last layer.")
    query = int(np.where(allowed, scores, -1).argmax())
    name, score = recipe.classes[int(labels[query])], float(scores[query])
    box = place.back(lens.boxes[-1, [query]])[0]
    told = {"query": query, "class": name, "score": score, "box": box.round(2).tolist()}
    return _painted(seen, lens.maps[-1, query], f"{name} {score:.2f}", lens.boxes[-1, query]), told


def _words(predictor: Any, picture: np.ndarray, text: str | None) -> tuple[np.ndarray, dict[str, Any]]:
    """Return a panel for each phrase of a text, side by side."""
    from sightline.core.trace import trace
    from sightline.detect.prepare import colour
    from sightline.explain import word_attention

    if not text:
        raise InputError('explain: word_attention looks for words: name them with --target "a cat. a dog."')
    pixels = colour(picture)
    steps = trace(word_attention, predictor.model, pixels, text).steps
    heats = [step.value for step in steps if step.name.startswith("words ")]
    prompt = predictor.model.prompt([text])
    words = [prompt.name(0, pieces.float(), 0.5) for pieces in prompt.members(0)]
    panels: list[np.ndarray] = []
    places = []
    for phrase, heat in zip(words, heats, strict=True):
        row, column = np.unravel_index(int(heat.argmax()), heat.shape)
        at = (column + 0.5) / heat.shape[1] * pixels.shape[1], (row + 0.5) / heat.shape[0] * pixels.shape[0]
        places.append({"phrase": phrase, "most_at": [round(float(v), 1) for v in at]})
        panels.append(np.pad(_painted(pixels, heat, phrase), ((0, 0), (0, 4), (0, 0)), constant_values=255))
    return np.concatenate(panels, axis=1)[:, :-4], {"phrases": places}


def _painted(picture: np.ndarray, heat: np.ndarray, said: str, box: np.ndarray | None = None) -> np.ndarray:
    """Return a picture with heat over it, its strongest place 1, and a box or a name."""
    from sightline.core.canvas import Canvas, colour_of

    times = max(1, -(-_SMALLEST // min(picture.shape[:2])))
    canvas = Canvas(picture.repeat(times, axis=0).repeat(times, axis=1))
    canvas.heat(heat / max(float(heat.max()), 1e-12))
    if box is None:
        canvas.text(said, (0, 0), colour_of(1))
    else:
        canvas.box(box * times, colour_of(1), said)
    return canvas.image()
