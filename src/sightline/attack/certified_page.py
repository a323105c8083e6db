"""The page of certificates: how many answers are right and vouched for, against the radius."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

import sightline
from sightline.train.charts import Series, line_chart
from sightline.train.page import chart, facts, figures, page, percent
from sightline.train.recipe import Section

if TYPE_CHECKING:
    from sightline.attack.certify import Certificates

_PLACES = 120  # of the curve
_ROWS = 8  # of the table
_LEVELS = 255  # the chart's radius is written in levels of an 8-bit picture


def page_of(found: Certificates, title: str) -> str:
    """Return the whole page."""
    half = found.largest / 2
    rows = [
        ("certified", percent(found.accuracy(0)), "right, and vouched for at some radius"),
        (f"at radius {half:.3g}", percent(found.accuracy(half)), "half of the largest there can be"),
        ("abstains", percent(found.abstained), "no answer"),
    ]
    lead = f'<p class="lead">{escape(_lead(found))}</p>'
    foot = f"Written by Sightline {sightline.__version__}."
    section = Section("What is certain", body_of(found))
    return page(title, [section], kicker="Sightline · certified robustness", head=lead + figures(rows), foot=foot)


def body_of(found: Certificates) -> str:
    """Return the section: chart, table and settings."""
    radii = np.linspace(0, found.largest, _PLACES)
    line = Series("certified", (_LEVELS * radii).tolist(), [found.accuracy(radius) for radius in radii])
    title = "Certified accuracy against radius"
    shown = chart(line_chart([line], title=title, x_label="radius in L2, levels of 255", percent=True), title)
    settings = facts(
        [
            ("noise", f"σ = {found.sigma:g}"),
            ("noisy copies", f"{found.samples:,} of each of {len(found.classes):,} pictures"),
            ("doubt", f"each certificate is wrong with a probability of at most {found.alpha:g}"),
            ("largest radius", f"{found.largest:.3f}, when every copy gets the answer"),
        ]
    )
    note = (
        "A certified accuracy is a lower bound: within the radius, no attack at all does better. "
        "It speaks of the smoothed classifier, which answers by a vote over noisy copies."
    )
    return f'<p class="quiet">{escape(note)}</p><div class="charts">{shown}</div>{_table(found)}{settings}'


def _lead(found: Certificates) -> str:
    right = found.radii[(found.classes == found.labels) & (found.radii > 0)]
    said = f"{len(found.classes):,} pictures, each with noise of deviation {found.sigma:g}, {found.samples:,} times. "
    if not len(right):
        return f"{said}No right answer can be vouched for: train on pictures with such noise."
    return f"{said}Half of the right answers hold against every change up to {np.median(right):.3f} in L2."


def _table(found: Certificates) -> str:
    radii = np.linspace(0, found.largest, _ROWS)
    rows = "".join(
        f'<tr><th scope="row">{radius:.3f}</th><td>{percent(found.accuracy(radius))}</td></tr>' for radius in radii
    )
    head = '<thead><tr><th scope="col">radius, pixels in 0–1</th><th scope="col">certified accuracy</th></tr></thead>'
    return f'<div class="scroll" tabindex="0"><table>{head}<tbody>{rows}</tbody></table></div>'
