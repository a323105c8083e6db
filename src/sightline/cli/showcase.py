"""What the demo shows of a photo: its numbers, and five filters with their steps; as the terminal plays it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from sightline.core.catalogue import find
from sightline.core.layers import Picture
from sightline.core.trace import Step, Trace, trace
from sightline.data.sample import SAMPLES

PHOTO = SAMPLES["cat"].path
PATCH = (93, 161, 9, 14)  # top, left, height, width: the edge of a pupil, with a highlight

FILTERS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("gaussian_blur", {"sigma": 3.0}, "Each pixel becomes a weighted mean of its neighbours: noise and detail go."),
    ("median_blur", {"size": 7}, "Each pixel becomes the middle value of its window: specks go, edges stay."),
    ("sobel", {}, "How fast brightness changes, and so where the edges are."),
    (
        "canny",
        {"low": 40.0, "high": 110.0},
        "Edges, one pixel wide, followed while they are strong enough.",
    ),
    ("otsu_threshold", {}, "The brightness that divides the picture best into two groups."),
)


@dataclass(frozen=True)
class Shown:
    """One filter that was run on the photo.

    Parameters
    ----------
    name
        The method's name.
    about
        One sentence on what it does.
    milliseconds
        Time of one call after the first.
    trace
        Its steps.
    call
        The line of Python that does it.
    """

    name: str
    about: str
    milliseconds: float
    trace: Trace
    call: str


def run_filters(photo: np.ndarray) -> Iterator[Shown]:
    """Run the five filters on an RGB photo, with their steps; the first call of each is not timed."""
    for name, options, about in FILTERS:
        function = find(f"image.{name}").function
        function(photo, **options)
        start = time.perf_counter()
        function(photo, **options)
        spent = 1000 * (time.perf_counter() - start)
        words = "".join(f", {key}={value:g}" for key, value in options.items())
        yield Shown(name, about, spent, _trace(name, photo, options), f"sl.image.{name}(photo{words})")


def _trace(name: str, photo: np.ndarray, options: dict[str, Any]) -> Trace:
    """Return the filter's steps; before and after, for one that has no steps of its own."""
    entry = find(f"image.{name}")
    if entry.steps is not None:
        return trace(entry.function, photo, **options)
    result = entry.function(photo, **options)
    return Trace(f"image.{name}", options, (Step("photo", Picture(photo)), Step("result", Picture(result))))


def patch_of(photo: np.ndarray) -> np.ndarray:
    """Return the zoomed patch of the photo, h×w×3."""
    top, left, height, width = PATCH
    return photo[top : top + height, left : left + width]


def print_patch(console: Console, photo: np.ndarray) -> None:
    """Print the patch as coloured cells, with the green value of each pixel on it."""
    for row in patch_of(photo):
        line = Text("  ")
        for red, green, blue in row.tolist():
            line.append(f" {green:3d} ", style=f"{ink_on(red, green, blue)} on rgb({red},{green},{blue})")
        console.print(line)


def ink_on(red: int, green: int, blue: int) -> str:
    """Return the colour of text that reads well on a colour: black or white."""
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "white"
