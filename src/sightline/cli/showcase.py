"""What the demo shows of a photo: its numbers, and five filters with their steps; in the terminal and in the report."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from sightline.core.canvas import Canvas
from sightline.core.catalogue import find
from sightline.core.results import Classification
from sightline.core.trace import Trace, trace
from sightline.train.page import figure, picture
from sightline.train.recipe import Section

PHOTO = Path(str(resources.files("sightline.cli"))) / "samples" / "chelsea.jpg"
PATCH = (102, 232, 8, 10)  # top, left, height, width: the rim of the cat's eye

FILTERS: tuple[tuple[str, dict[str, object], str], ...] = (
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
        words = "".join(f", {key}={value:g}" for key, value in options.items())  # type: ignore[str-format]
        yield Shown(name, about, spent, trace(function, photo, **options), f"sl.image.{name}(photo{words})")


def patch_of(photo: np.ndarray) -> np.ndarray:
    """Return the zoomed patch of the photo, h×w×3."""
    top, left, height, width = PATCH
    return photo[top : top + height, left : left + width]


def print_patch(console: Console, photo: np.ndarray) -> None:
    """Print the patch as coloured cells, with the green value of each pixel on it."""
    for row in patch_of(photo):
        line = Text("  ")
        for red, green, blue in row.tolist():
            line.append(f" {green:3d} ", style=f"{_ink(red, green, blue)} on rgb({red},{green},{blue})")
        console.print(line)


def patch_html(photo: np.ndarray) -> str:
    """Return the patch as a table of coloured cells with their red, green and blue values."""
    rows = []
    for row in patch_of(photo).tolist():
        cells = "".join(
            f'<td style="background:rgb({r},{g},{b});color:{_ink(r, g, b)};padding:.35em .5em;text-align:center;'
            f'font:11px/1.25 ui-monospace,monospace;border:0">{r}<br>{g}<br>{b}</td>'
            for r, g, b in row
        )
        rows.append(f"<tr>{cells}</tr>")
    top, left, height, width = PATCH
    caption = f"{height}×{width} pixels from row {top}, column {left}: red, green and blue of each, 0–255."
    return (
        f'<div style="overflow-x:auto"><table style="border-collapse:collapse;width:auto">{"".join(rows)}</table></div>'
        f'<p class="caption">{caption}</p>'
    )


def sections(photo: np.ndarray, shown: list[Shown]) -> list[Section]:
    """Return the report's sections on the photo and its filters."""
    height, width = photo.shape[:2]
    top, left, rows, columns = PATCH
    framed = Canvas(photo)
    framed.box((left - 2, top - 2, left + columns + 2, top + rows + 2), (230, 159, 0))
    words = f"{PHOTO.name} is {height} rows × {width} columns × 3 colours: {photo.size:,} numbers, shown as light."
    grid = f"<p>{words}</p>" + _row(
        [figure(picture(framed.image(), "the photo"), "The photo; the box is read out below.")]
    )
    filters = "".join(filter_html(item) for item in shown)
    return [
        Section("A photo is a grid of numbers", grid + patch_html(photo)),
        Section("Five filters, step by step", filters),
    ]


def prediction_section(name: str, image: np.ndarray, found: Classification, heat: np.ndarray) -> Section:
    """Return the report's section on a file that was predicted and explained."""
    large = np.repeat(np.repeat(image, 24, axis=0), 24, axis=1)
    answers = ", ".join(f"{label} {score:.1%}" for label, score in found.top(3))
    figures = [
        figure(picture(large, f"{name}, enlarged"), name),
        figure(picture(heat, "Grad-CAM"), "Grad-CAM: where it looked"),
    ]
    return Section(
        "A file from disk, read and explained", f"<p>Read as: <b>{html.escape(answers)}</b>.</p>{_row(figures)}"
    )


def filter_html(shown: Shown) -> str:
    """Return the steps of one filter as a row of pictures."""
    figures = []
    for step in shown.trace:
        image = step.picture()
        told = "" if image is not None else f"<p><b>{html.escape(_told(step.value))}</b></p>"
        body = told or picture(image, f"{shown.name}: {step.name}")
        figures.append(figure(body, f"{step.name}. {step.note}" if step.note else step.name))
    call = f"<code>{html.escape(shown.call)}</code> · {shown.milliseconds:.2f} ms"
    return f"<h3>{html.escape(shown.name.replace('_', ' '))}</h3><p>{html.escape(shown.about)}<br>{call}</p>{_row(figures)}"


def _row(figures: list[str]) -> str:
    items = "".join(f'<div style="flex:1 1 11rem;max-width:18rem">{body}</div>' for body in figures)
    return f'<div style="display:flex;flex-wrap:wrap;gap:1rem">{items}</div>'


def _told(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _ink(red: int, green: int, blue: int) -> str:
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "white"
