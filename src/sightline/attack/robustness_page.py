"""The page of a robustness curve: accuracy against radius, the checks, and what the pictures look like."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

import sightline
from sightline.train.charts import Series, line_chart
from sightline.train.page import chart, figure, figures, page, percent, picture
from sightline.train.recipe import Section

if TYPE_CHECKING:
    from sightline.attack.certify import Certificates
    from sightline.attack.robustness_curve import RobustnessCurve

_LEVELS = 255  # the radius is written in levels of an 8-bit picture


def page_of(curve: RobustnessCurve, title: str, certified: Certificates | None = None) -> str:
    """Return the whole page; with certificates, what is certain follows what was tried."""
    last = curve.accuracies["PGD"][-1]
    rows = [
        ("accuracy", percent(curve.accuracies["PGD"][0] if curve.epsilons[0] == 0 else float("nan")), "unattacked"),
        (f"at ε = {curve.epsilons[-1]:.3g}", percent(last), f"PGD, {curve.steps} steps"),
        ("checks", f"{sum(c.holds for c in curve.checks)} of {len(curve.checks)}", "hold"),
    ]
    rows = rows if curve.epsilons[0] == 0 else rows[1:]
    lead = f'<p class="lead">{escape(_lead(curve))}</p>'
    foot = f"Written by Sightline {sightline.__version__}."
    sections = [Section("How far it resists", body_of(curve))]
    sections += [] if certified is None else [Section("What is certain", certified.body())]
    return page(title, sections, kicker="Sightline · robustness", head=lead + figures(rows), foot=foot)


def body_of(curve: RobustnessCurve) -> str:
    """Return the section: chart, checks, table and pictures."""
    levels = [_LEVELS * e for e in curve.epsilons]
    lines = [Series(name, levels, values) for name, values in curve.accuracies.items()]
    unit = "levels of 255" if curve.norm == "inf" else "levels of 255, root of the sum of squares"
    shown = chart(
        line_chart(lines, title="Accuracy against radius", x_label=f"radius ε in {unit}", percent=True),
        "Accuracy against radius",
    )
    note = (
        "An accuracy under attack is an upper bound: a stronger attack may find more."
        if curve.trusted
        else "A check does not hold: the gradient may be hidden, and the model weaker than the curve says."
    )
    kind = "quiet" if curve.trusted else "warning"
    caption = "What PGD makes of the first pictures; a row for each radius, the smallest at the top."
    return (
        f'<p class="{kind}">{escape(note)}</p><div class="charts">{shown}</div>{_checks(curve)}{_table(curve)}'
        f"{figure(picture(drawn(curve), 'pictures under attack'), caption)}"
    )


def drawn(curve: RobustnessCurve) -> np.ndarray:
    """Return the pictures on one sheet, a row for each radius, H×W×3 uint8; small ones in whole pixels, larger."""
    tiles = (np.clip(curve.examples, 0, 1) * 255 + 0.5).astype(np.uint8)  # radii×N×H×W(×3)
    tiles = np.repeat(tiles[..., None], 3, axis=4) if tiles.ndim == 4 else tiles
    times = max(1, 56 // max(tiles.shape[2:4]))
    tiles = np.pad(
        tiles.repeat(times, axis=2).repeat(times, axis=3), ((0, 0), (0, 0), (0, 2), (0, 2), (0, 0)), constant_values=128
    )
    return np.ascontiguousarray(np.concatenate([np.concatenate(list(row), axis=1) for row in tiles]))


def _lead(curve: RobustnessCurve) -> str:
    half = next((e for e, a in zip(curve.epsilons, curve.accuracies["PGD"], strict=True) if a < 0.5), None)
    said = f"{curve.images:,} pictures, attacked by PGD with {curve.steps} steps in {curve.norm} balls. "
    if half is None:
        return f"{said}It is right on more than half of them at every radius that was tried."
    return f"{said}From ε = {half:.3g} on ({_LEVELS * half:.3g} of 255 levels) it is wrong on more than half of them."


def _checks(curve: RobustnessCurve) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(c.name)}</th><td>{"holds" if c.holds else "<b>does not hold</b>"}</td>'
        f'<td style="white-space:normal">{escape(c.said)}</td></tr>'
        for c in curve.checks
    )
    head = '<thead><tr><th scope="col">check</th><th scope="col">outcome</th><th scope="col">figures</th></tr></thead>'
    return f'<div class="scroll" tabindex="0"><table>{head}<tbody>{rows}</tbody></table></div>'


def _table(curve: RobustnessCurve) -> str:
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in curve.accuracies)
    cells = [
        "".join(f"<td>{percent(value)}</td>" for value in row) for row in zip(*curve.accuracies.values(), strict=True)
    ]
    rows = "".join(f'<tr><th scope="row">{e:.4g}</th>{row}</tr>' for e, row in zip(curve.epsilons, cells, strict=True))
    return (
        '<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">ε</th>'
        f"{names}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
