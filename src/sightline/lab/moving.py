"""What moves: flow between two pictures, level by level, and a tracker's ledger, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sightline.core.catalogue import Method
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Heat, Lines, Picture
from sightline.core.seeds import generator
from sightline.core.trace import Step, Trace, steps_of
from sightline.core.trace_bytes import Form
from sightline.core.types import Array
from sightline.lab.made_detector import Spoilt, detected
from sightline.lab.scenes import HEIGHT, SCENES, WIDTH, fair_boxes
from sightline.serve.workers import Stop

FLOWS = ("lucas_kanade", "horn_schunck", "farneback", "tv_l1")
_SCREEN = Form(92, 1 << 40, sealed=False)
_WHEEL = 151  # pixels
_BINS = 60
_SAME = 0.4  # overlap from which on a track is a thing's


def flow(stop: Stop, entry: Method, a: Array, b: Array, parameters: Mapping[str, Any], spacing: int) -> bytes:
    """Return a flow's steps as a trace, and after them: the flow, a wheel of its colours, arrows, and residuals."""
    from sightline.image import convert, draw, warp

    steps: list[Step] = []
    found = np.zeros((0, 0, 2), np.float32)
    for step in steps_of(entry, a, b, **parameters):
        steps.append(Step(step.name, *[layer for layer in step.layers if isinstance(layer, Picture)] or step.layers))
        stop()
        found = step.value  # of the last one, the flow
    speed = np.hypot(found[..., 0], found[..., 1])
    known = np.isfinite(speed)
    if not known.any():
        raise InputError("flow: a must have some texture; got a pair in which no motion can be told.")
    top = max(float(np.percentile(speed[known], 99)), 0.5)
    y, x = np.mgrid[spacing // 2 : a.shape[0] : spacing, spacing // 2 : a.shape[1] : spacing]
    moves = found[y, x].reshape(-1, 2)
    arrows = np.column_stack([x.ravel(), y.ravel(), x.ravel() + moves[:, 0], y.ravel() + moves[:, 1]])
    arrows = arrows[np.isfinite(arrows).all(axis=1)].astype(np.float32)
    gray = [image if image.ndim == 2 else convert(image, "rgb", "gray") for image in (a, b)]
    rows, columns = np.mgrid[: a.shape[0], : a.shape[1]].astype(np.float32)
    field = np.stack([columns, rows], axis=2) + np.nan_to_num(found)
    before = np.abs(gray[1].astype(np.float32) - gray[0])
    after = np.abs(warp(gray[1], field.astype(np.float32), border="edge").astype(np.float32) - gray[0])
    counts, edges = np.histogram(np.minimum(speed[known], top), _BINS, (0, top))
    told = f"{top:.2f} {speed[known].mean():.3f} {before.mean():.3f} {after.mean():.3f} {known.mean():.4f}"
    made = [
        Step("flow", Picture(draw.flow(found, largest=top)), note=told),
        Step("wheel", Picture(draw.flow(_wheel(top), largest=top))),
        Step("arrows", Picture(a), Lines(arrows)),
        Step("difference", Heat(before)),
        Step("warped difference", Heat(after)),
        Step("speeds", Curve(np.column_stack([(edges[1:] + edges[:-1]) / 2, counts]), ("pixels a frame", "pixels"))),
    ]
    about = {"size": [a.shape[1], a.shape[0]], "scale": 1.0}
    return Trace(f"motion.{entry.name}", {}, (*steps, *made), about).to_bytes(_SCREEN)


def _wheel(top: float) -> Array:
    """Return a flow that goes outwards, faster and faster, as far as a disc reaches: all colours in one picture."""
    y, x = np.mgrid[-1 : 1 : _WHEEL * 1j, -1 : 1 : _WHEEL * 1j]
    field = (top * np.stack([x, y], axis=2)).astype(np.float32)
    field[np.hypot(x, y) > 1] = np.nan
    return field


def ledger(stop: Stop, tracker: Any, images: Mapping[int, Array] | None, ask: Any) -> dict[str, Any]:
    """Return each frame of the fair: what a tracker predicts, compares, assigns and keeps, and where identities change.

    Parameters
    ----------
    stop, tracker
        Called between frames, and what is watched.
    images
        The frames, for a tracker that looks at them; None otherwise.
    ask
        How the detections are spoilt: ``missed``, ``noise``, ``invented``, ``seed``.
    """
    from sightline.core.box_overlap import pairwise_iou
    from sightline.motion.association import assign

    random, how = generator(ask.seed), Spoilt(ask.missed, ask.noise, ask.invented)
    frames, owner, switches = [], {}, []
    for number in range(SCENES["fair"]):
        stop()
        truth = fair_boxes(number)
        tracks = tracker.update(detected(truth, how, random), None if images is None else images[number])
        pairs = dict(assign(1 - pairwise_iou(truth, tracks.boxes), 1 - _SAME).tolist())
        now = [int(tracks.ids[pairs[thing]]) if thing in pairs else None for thing in range(len(truth))]
        for thing, name in enumerate(now):
            if name is not None and owner.get(thing, name) != name:
                switches.append({"frame": number, "thing": thing, "from": owner[thing], "to": name})
            if name is not None:
                owner[thing] = name
        frames.append({**tracker.round.to_json(), "truth": truth.round(2).tolist(), "is": now})
    return {"frames": frames, "switches": switches, "size": [WIDTH, HEIGHT]}
