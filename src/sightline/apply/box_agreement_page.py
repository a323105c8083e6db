"""The page beside an exported detector: how far it agrees with its network, how fast it is, and what both found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.apply.agreement_page import cases_table, file_facts, head_of, how_to_use, small, speeds, whole_page
from sightline.core.results import Detections
from sightline.train.page import facts, percent, picture
from sightline.train.recipe import Section

if TYPE_CHECKING:
    from sightline.detect.exported import ExportedDetector
    from sightline.train.run import Predictor

_SHOWN = 6
_COLUMNS = ("what went in", "at once", "boxes", "by both", "pixels", "scores", "torch ms", "ONNX ms", "ratio")


def box_agreement_page(
    found: Mapping[str, Any], predictor: Predictor, exported: ExportedDetector, images: Sequence[np.ndarray]
) -> str:
    """Return the HTML page.

    Parameters
    ----------
    found
        What :func:`~sightline.apply.box_agreement.compare_boxes` returned, and ``pictures``.
    predictor, exported
        What was compared.
    images
        The pictures that both were asked.
    """
    call = 'boxes, scores, labels, picture_numbers = session.run(None, {"images": pictures})'
    sections = [
        Section("Where they agree, and how fast they are", _cases(found)),
        Section("What they found", _pictures(predictor, exported, images)),
        Section("What is in the file", _contents(found, exported)),
        Section("How to use it", how_to_use(found["file"], call)),
    ]
    return whole_page(found, sections, _head(found))


def _head(found: Mapping[str, Any]) -> str:
    alone = found["cases"][0]
    made, whose = escape(found["made_from"]), escape(found["pictures"])
    lead = (
        f"<b>{escape(found['file'])}</b> holds {escape(found['recipe'])} of {made}, with resizing and suppression "
        f"inside. On {alone['images']} pictures ({whose}), prepared alike, {percent(alone['paired'])} of the boxes are "
        f"PyTorch's, at most {small(alone['max_box_difference'])} pixels apart"
    )
    lead += "." if found["agrees"] else f": more than {found['pixels']:g} pixels, or {found['tolerance']:g} of a score."
    rows = [
        ("boxes", str(alone["boxes"]), "surer than 0.25, of both together"),
        ("largest difference", small(alone["max_difference"]), "of a score, same pixels"),
    ]
    return head_of(found, lead, rows)


def _cases(found: Mapping[str, Any]) -> str:
    rows = [
        (
            case["name"],
            str(case["batch"]),
            str(case["boxes"]),
            percent(case["paired"]),
            small(case["max_box_difference"]),
            small(case["max_difference"]),
            *speeds(case),
        )
        for case in found["cases"]
    ]
    text = (
        "Boxes surer than 0.25 of either one; by both: the same class, overlap 0.9 or more. Pixels and scores are how "
        "far they are apart. Milliseconds are for "
        f"one picture, from decoded pixels to boxes, the better of three turns, {found['threads']} threads on both "
        "sides. The file shrinks pictures inside the graph: where a mean falls between two levels of brightness it may "
        "round to the other one."
    )
    return cases_table(_COLUMNS, rows, text)


def _pictures(predictor: Predictor, exported: ExportedDetector, images: Sequence[np.ndarray]) -> str:
    some = list(images[:_SHOWN])
    pairs = zip(some, predictor.predict(some), exported.predict(some), strict=True)
    items = "".join(_answer(*pair) for pair in pairs)
    return f'<p>PyTorch on the left, the file on the right.</p><ul class="mistakes">{items}</ul>'


def _answer(image: np.ndarray, theirs: Detections, ours: Detections) -> str:
    shown = "".join(picture(found.draw(image), f"{len(found)} boxes") for found in (theirs, ours))
    said = " · ".join(f"{name}: {len(found)} boxes" for name, found in (("PyTorch", theirs), ("ONNX", ours)))
    return f'<li><figure><div class="pair">{shown}</div><figcaption>{said}</figcaption></figure></li>'


def _contents(found: Mapping[str, Any], exported: ExportedDetector) -> str:
    size, square = found["size"], exported.about["square"]
    frame = f"a square of {size}×{size}" if square else "the smallest frame whose sides are multiples of 32"
    rows = [
        ("input", "images: N×H×W×3 uint8, RGB, any N, H and W"),
        ("becomes", f"{size} pixels on the longer side, resized with antialiasing, in the middle of {frame}"),
        ("output", "boxes M×4 float32 xyxy in pixels of their picture, scores M, labels M, pictures M: best first"),
        *file_facts(found, exported.classes),
    ]
    return facts(rows)
