"""The demo's own sections of the report: the photo's numbers, the filters' steps, a file read and explained."""

from __future__ import annotations

import html

import numpy as np

from sightline.cli.showcase import PATCH, PHOTO, Shown, ink_on, patch_of
from sightline.core.canvas import Canvas
from sightline.core.layers import Curve
from sightline.core.results import Classification
from sightline.core.trace import Step
from sightline.train.charts import Series, line_chart
from sightline.train.page import figure, picture
from sightline.train.recipe import Section

_CELL = "padding:.35em .5em;text-align:center;font:11px/1.25 ui-monospace,monospace;border:0"


def photo_sections(photo: np.ndarray, shown: list[Shown]) -> list[Section]:
    """Return the sections on the photo and on its filters."""
    height, width = photo.shape[:2]
    words = f"{PHOTO.name} is {height} rows × {width} columns × 3 colours: {photo.size:,} numbers, shown as light."
    row = _row([figure(picture(_framed(photo), "the photo"), "The photo; the box is read out below.")])
    return [
        Section("A photo is a grid of numbers", f"<p>{words}</p>{row}{_patch(photo)}"),
        Section("Five filters, step by step", "".join(_filter(item) for item in shown)),
    ]


def prediction_section(name: str, image: np.ndarray, found: Classification, heat: np.ndarray) -> Section:
    """Return the section on a file that was read, predicted and explained."""
    scale = max(1, 240 // min(image.shape[:2]))
    large = np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)
    answers = ", ".join(f"{label} {score:.1%}" for label, score in found.top(3))
    row = _row(
        [
            figure(picture(large, f"{name}, enlarged"), f"{name}, enlarged"),
            figure(picture(heat, "Grad-CAM"), "Grad-CAM: where the model looked"),
        ]
    )
    return Section("A file from disk, read and explained", f"<p>Read as: <b>{html.escape(answers)}</b>.</p>{row}")


def _framed(photo: np.ndarray) -> np.ndarray:
    top, left, rows, columns = PATCH
    canvas = Canvas(photo)
    canvas.box((left - 2, top - 2, left + columns + 2, top + rows + 2), (230, 159, 0))
    return canvas.image()


def _patch(photo: np.ndarray) -> str:
    """Return the patch as a table of coloured cells with their red, green and blue values."""
    rows = []
    for row in patch_of(photo).tolist():
        cells = "".join(
            f'<td style="background:rgb({r},{g},{b});color:{ink_on(r, g, b)};{_CELL}">{r}<br>{g}<br>{b}</td>'
            for r, g, b in row
        )
        rows.append(f"<tr>{cells}</tr>")
    top, left, height, width = PATCH
    caption = f"{height}×{width} pixels from row {top}, column {left}: red, green and blue of each, 0–255."
    table = f'<table style="border-collapse:collapse;width:auto">{"".join(rows)}</table>'
    return f'<div style="overflow-x:auto">{table}</div><p class="caption">{caption}</p>'


def _filter(shown: Shown) -> str:
    """Return the steps of one filter as a row of pictures."""
    figures = [
        figure(_shown(step, f"{shown.name}: {step.name}"), f"{step.name}. {step.note}" if step.note else step.name)
        for step in shown.trace
    ]
    title = html.escape(shown.name.replace("_", " "))
    call = f"<code>{html.escape(shown.call)}</code> · {shown.milliseconds:.2f} ms"
    return f"<h3>{title}</h3><p>{html.escape(shown.about)}<br>{call}</p>{_row(figures)}"


def _shown(step: Step, title: str) -> str:
    """Return what there is to see of one step: a picture, a curve or a value."""
    image, first = step.picture(), step.layers[0]
    if image is not None:
        return picture(image, title)
    if isinstance(first, Curve):
        x, y = first.points.T.tolist()
        label = "" if first.mark is None else f"{first.mark:g}"
        line = Series(first.axes[1], x, y)
        return line_chart([line], title=title, x_label=first.axes[0], mark=first.mark, mark_label=label)
    return f"<p><b>{html.escape(_told(step.value))}</b></p>"


def _row(figures: list[str]) -> str:
    items = "".join(f'<div style="flex:1 1 11rem;max-width:18rem">{body}</div>' for body in figures)
    return f'<div style="display:flex;flex-wrap:wrap;gap:1rem">{items}</div>'


def _told(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
