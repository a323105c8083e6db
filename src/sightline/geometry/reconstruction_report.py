"""The page of a reconstruction: the cloud to turn, the figures that count, errors, photos, pairs and times."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

from sightline.core.layers import Cloud
from sightline.core.trace import Step, Trace
from sightline.core.types import Array

if TYPE_CHECKING:
    from sightline.geometry.reconstruction import Reconstruction

_SHOWN = 20_000  # points of the cloud in the page
_WIDTH, _HEIGHT, _BARS = 640, 180, 40
_STYLE = """
:root{color-scheme:light dark;--rule:#8884;--soft:#8882}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse}th,td{text-align:right;padding:.15rem .8rem;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left}th{font-weight:600}
.wide{overflow-x:auto}img{max-width:100%}figure{margin:1rem 0}figcaption{font-size:.9rem;opacity:.8}
.facts{display:flex;flex-wrap:wrap;gap:.6rem 2rem;list-style:none;padding:0}.facts b{display:block;font-size:1.4rem}
svg text{fill:currentColor;font-size:11px}
"""


def report_page(found: Reconstruction, pictures: Mapping[str, Array] | None = None) -> str:
    """Return the page as HTML that needs no other file.

    Parameters
    ----------
    found
        The reconstruction.
    pictures
        Pictures to show by their captions: matches drawn.
    """
    left_out = [name for name, known in zip(found.names, found.registered, strict=True) if not known]
    facts = {
        "photos placed": f"{len(found)} of {len(found.names)}",
        "points": f"{len(found.points):,}",
        "mean error": f"{found.mean_reprojection:.3f} px",
        "seconds": f"{sum(found.seconds.values()):.1f}",
    }
    parts = [
        '<ul class="facts">' + "".join(f"<li><b>{v}</b>{k}</li>" for k, v in facts.items()) + "</ul>",
        f"<p>Left out: {escape(', '.join(left_out))}.</p>" if left_out else "",
        "<h2>The cloud</h2><p>Drag to turn it; click it, and the wheel zooms. Cameras are orange.</p>",
        _cloud(found),
        "<h2>How far points are seen from where they should be</h2>",
        histogram(found.errors),
        "<h2>Photos</h2>" + _photos(found),
        "<h2>Cameras</h2>" + _cameras(found),
        "<h2>Pairs</h2>" + _pairs(found),
        "".join(_figure(caption, picture) for caption, picture in (pictures or {}).items()),
        "<h2>Time</h2>" + _table(("", "seconds"), [(name, f"{value:.1f}") for name, value in found.seconds.items()]),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Structure from motion</title><style>{_STYLE}</style><h1>Structure from motion</h1>"
        f"{''.join(parts)}</html>"
    )


def _cloud(found: Reconstruction) -> str:
    cloud = found.cloud()
    is_point = cloud[:, 6] == 1
    step = max(1, -(-int(is_point.sum()) // _SHOWN))
    shown = np.concatenate([cloud[is_point][::step], cloud[~is_point]])
    note = f"{-(-int(is_point.sum()) // step)} points and {len(found)} cameras."
    return Trace("geometry.structure_from_motion", {}, (Step("cloud", Cloud(shown), note=note),)).to_html(plays=True)


def histogram(errors: Array) -> str:
    """Return the distribution of errors in pixels as inline SVG."""
    if not len(errors):
        return "<p>No observation.</p>"
    top = max(float(np.percentile(errors, 99.5)), 1e-9)
    counts, edges = np.histogram(np.minimum(errors, top), _BARS, (0, top))
    wide, tall = _WIDTH / _BARS, _HEIGHT - 30
    bars = "".join(
        f'<rect x="{i * wide + 1:.1f}" y="{5 + tall - tall * n / counts.max():.1f}" width="{wide - 2:.1f}" '
        f'height="{tall * n / counts.max():.1f}" fill="#0072b2"><title>{a:.2f} to {b:.2f} px: {n}</title></rect>'
        for i, (n, a, b) in enumerate(zip(counts, edges[:-1], edges[1:], strict=True))
    )
    ticks = "".join(
        f'<text x="{_WIDTH * k / 4:.0f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{top * k / 4:.2f} px</text>'
        for k, anchor in enumerate(("start", "middle", "middle", "middle", "end"))
    )
    label = (
        f"{len(errors):,} observations: median {np.median(errors):.3f}, 95 % below {np.percentile(errors, 95):.2f} px"
    )
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}" style="width:100%">'
        f"{bars}{ticks}</svg><figcaption>{label}</figcaption></figure>"
    )


def _photos(found: Reconstruction) -> str:
    errors, counts = found.errors, np.bincount(found.camera_of, minlength=len(found.names))
    sums = np.bincount(found.camera_of, errors, minlength=len(found.names))
    rows = []
    for number, name in enumerate(found.names):
        height, width = found.sizes[number]
        known = bool(found.registered[number])
        mean = f"{sums[number] / max(counts[number], 1):.3f}" if known else ""
        rows.append((name, f"{width}×{height}", "yes" if known else "no", str(counts[number]), mean))
    return _table(("photo", "pixels", "placed", "points", "mean error, px"), rows)


def _cameras(found: Reconstruction) -> str:
    used = sorted(set(found.group_of.tolist()))
    rows = []
    for group in used:
        focal, _, cx, cy, k1, k2, *_ = found.intrinsics[group]
        count = int((found.group_of == group).sum())
        rows.append((f"{count} photos", f"{focal:.1f}", f"{cx:.1f}, {cy:.1f}", f"{k1:.4f}", f"{k2:.4f}"))
    return _table(("camera", "focal length, px", "centre, px", "k1", "k2"), rows)


def _pairs(found: Reconstruction) -> str:
    rows = [
        (f"{found.names[int(a)]} – {found.names[int(b)]}", f"{matched:.0f}", f"{agree:.0f}", f"{100 * flat:.0f} %")
        for a, b, matched, agree, flat in sorted(found.pairs.tolist(), key=lambda row: -row[3])[:40]
    ]
    return _table(("pair", "matches", "agree", "on one plane"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(caption: str, picture: Array) -> str:
    stream = io.BytesIO()
    PillowImage.fromarray(picture).save(stream, "jpeg", quality=85)
    source = base64.b64encode(stream.getvalue()).decode()
    text = escape(caption)
    return f'<figure><img alt="{text}" src="data:image/jpeg;base64,{source}"><figcaption>{text}</figcaption></figure>'
