"""Write the map of methods: every method of the catalogue in one table that can be searched and narrowed down."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path
from typing import Any

from sightline.core.catalogue import Method, methods

SPEED = Path(__file__).parent / "speed.json"

_CONTROLS = """
<form class="map-controls" role="search" aria-label="Narrow down the methods" onsubmit="return false">
<label>Search <input type="search" id="map-text" placeholder="edges, Canny, 1986 …"></label>
<label>Field <select id="map-field"><option value="">all</option>{fields}</select></label>
<label>Task <select id="map-task"><option value="">all</option>{tasks}</select></label>
<label>Year <select id="map-year"><option value="">any</option>{decades}</select></label>
<label>Evidence <select id="map-evidence"><option value="">any</option><option value="equals">equals a peer</option>
<option value="reaches">reaches a published figure</option></select></label>
<label>Speed <select id="map-speed"><option value="">any</option><option value="ahead">ahead of the peer</option>
<option value="behind">behind the peer</option><option value="none">not measured</option></select></label>
<label><input type="checkbox" id="map-steps"> shows its steps</label>
<output id="map-count" aria-live="polite"></output>
</form>
"""


def write(page: Path, gallery: Path) -> None:
    """Write the page; ``gallery`` is the folder whose pages are linked where they exist."""
    entries = methods()
    speed = json.loads(SPEED.read_text("utf-8"))["rows"] if SPEED.exists() else []
    shown = {path.stem for path in gallery.glob("*.md")}
    rows = "\n".join(row(entry, speed, entry.field == "image" and entry.name in shown) for entry in entries)
    years = sorted({year_of(entry) // 10 * 10 for entry in entries if year_of(entry)})
    controls = _CONTROLS.format(
        fields=options(sorted({entry.field for entry in entries})),
        tasks=options(sorted({entry.task for entry in entries})),
        decades="".join(f"<option value='{year}'>{year}–{year + 9}</option>" for year in years),
    )
    head = "".join(
        f"<th scope='col'>{name}</th>" for name in ("method", "what it does", "source", "evidence", "speed", "steps")
    )
    page.write_text(
        f"# Map of methods\n\nEvery method in the catalogue: {len(entries)}. *Speed* is the peer's time over ours, the "
        "geometric mean of the method's rows in the [table](speed.md).\n\n"
        f"```{{raw}} html\n{controls}\n<div class='map'><table id='map'><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>\n```\n",
        "utf-8",
    )


def row(entry: Method, speed: list[dict[str, Any]], has_page: bool) -> str:
    """Return one method's line, with what it can be found by in its data attributes."""
    proofs = [item for item in entry.evidence if item.holds]
    peers = sorted({item.peer for item in proofs if item.peer})
    ratio = ratio_of(entry, speed)
    target = f"gallery/{entry.name}.html" if has_page else f"reference/{entry.field}.html#{anchor(entry.name)}"
    pace = "none" if ratio is None else "ahead" if ratio >= 1 else "behind"
    data = {
        "field": entry.field,
        "task": entry.task,
        "year": year_of(entry) // 10 * 10 or "",
        "evidence": " ".join(sorted({item.kind for item in proofs})),
        "speed": pace,
        "steps": "yes" if entry.steps else "no",
    }
    attributes = " ".join(f"data-{name}='{html.escape(str(value))}'" for name, value in data.items())
    name = entry.path.removeprefix("sightline.")
    cells = (
        f"<a href='{target}'><code>{html.escape(name)}</code></a>",
        html.escape(entry.summary.replace("``", "")),
        html.escape(entry.paper),
        f"{len(proofs)} <small>{html.escape(', '.join(peers))}</small>",
        "" if ratio is None else f"{ratio:.2f}×",
        "yes" if entry.steps else "",
    )
    return f"<tr {attributes}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def options(words: list[str]) -> str:
    """Return the options of a choice."""
    return "".join(f"<option>{html.escape(word)}</option>" for word in words)


def anchor(name: str) -> str:
    """Return the heading's anchor as the reference pages have it."""
    return name.lower().replace("_", "-")


def year_of(entry: Method) -> int:
    """Return the year of a method's source, 0 where none is stated."""
    found = re.search(r"\b(1[6-9]|20)\d\d\b", entry.paper)
    return int(found.group()) if found else 0


def ratio_of(entry: Method, speed: list[dict[str, Any]]) -> float | None:
    """Return the geometric mean of a method's ratios, None where none was measured."""
    ratios = [item["ratio"] for item in speed if item["name"].split()[0] == f"{entry.field}.{entry.name}"]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None
