"""Traces that play in the pages: the same small player as in the lab, without a server.

A page holds each trace as the base64 of its gzipped bytes; ``_static/traces.js`` unpacks and plays it.
"""

from __future__ import annotations

import base64
import gzip
import html
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

import sightline
from sightline.core.layers import Grid, Heat, Labels, Layer
from sightline.core.trace import Step, Trace
from sightline.core.trace_bytes import Form

PLAYER = Path(sightline.__file__).parent / "core" / "player.js"
FORM = Form(quality=85, pixels=160_000)  # what a page shows; a saved trace keeps every bit
TILES, SIDE = 24, 160  # of a grid, at most: tiles, and pixels along a side of one


def write(folder: Path) -> None:
    """Put the player where the pages find it."""
    shutil.copyfile(PLAYER, folder / "player.js")


def player(trace: Trace) -> str:
    """Return the HTML that plays a trace."""
    steps = (
        Step(step.name, *(narrow(layer) for layer in step.layers), note=step.note, file=step.file, line=step.line)
        for step in trace
    )
    data = replace(trace, steps=tuple(steps)).to_bytes(FORM)
    packed = base64.b64encode(gzip.compress(data, mtime=0)).decode()
    names = html.escape(", ".join(step.name for step in trace))
    return f'<div class="sightline-trace" data-trace="{packed}"><noscript>Steps: {names}</noscript></div>'


def narrow(layer: Layer) -> Layer:
    """Return a layer with its numbers in as few bits as a screen needs."""
    if isinstance(layer, Labels) and layer.labels.size and layer.labels.min() >= 0:
        return Labels(layer.labels.astype(np.min_scalar_type(int(layer.labels.max()))))
    if isinstance(layer, Heat):
        return Heat(_levels(layer.values))
    if isinstance(layer, Grid):
        apart = -(-max(layer.tiles.shape[1:3]) // SIDE)
        tiles = layer.tiles[:TILES, ::apart, ::apart]
        return Grid(tiles if tiles.dtype == np.uint8 else _levels(tiles))
    return layer


def _levels(values: np.ndarray) -> np.ndarray:
    """Return floats on 256 levels between their extremes, which pack well, in half precision where that holds them."""
    if values.dtype.kind != "f" or not values.size or not np.isfinite(values).all():
        return values
    low, high = float(values.min()), float(values.max())
    steps = np.rint((values - low) * (255 / ((high - low) or 1)))
    fits = max(abs(low), abs(high)) < float(np.finfo(np.float16).max)
    return (low + steps * ((high - low) / 255)).astype(np.float16 if fits else np.float32)
