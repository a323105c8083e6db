"""Write a page for every lesson, with what its program gave when it ran; and the page of the path.

What a lesson gave is kept in ``_build/lessons`` under the digest of its text and of the package, so that a second
build runs only what has changed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from playing import player

from sightline.core.trace import trace_from_bytes
from sightline.lab import lessons

KEPT = Path(__file__).parent / "_build" / "lessons"
PACKAGE = Path(lessons.__file__).parent.parent


def write(folder: Path) -> None:
    """Write the pages into ``folder``; a lesson that fails fails the build."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    days = lessons.days()
    with ThreadPoolExecutor(2) as pool:
        for day, ran in zip(days, pool.map(lambda day: outcome(day.id), days), strict=True):
            (folder / f"{day.id}.md").write_text(page(day.id, ran), "utf-8")
    (folder / "index.md").write_text(index(), "utf-8")


def outcome(lesson: str) -> dict[str, Any]:
    """Return what a lesson gave, from an earlier build where nothing has changed since."""
    kept = KEPT / f"{lesson}-{digest(lesson)}.json"
    if not kept.exists():
        ran = lessons.run(lesson)
        if ran.error:
            raise RuntimeError(f"{lesson}: {ran.error}")
        if not any(output.trace for cell, output in ran.cells if cell.kind == "code" and output):
            raise RuntimeError(f"{lesson}: a lesson shows pictures; this one has no trace.")
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob(f"{lesson}-*.json"):
            old.unlink()
        kept.write_text(json.dumps(ran.to_json()), "utf-8")
    return json.loads(kept.read_text("utf-8"))


def digest(lesson: str) -> str:
    """Return the digest of a lesson's text and of the package's code."""
    made = hashlib.sha256(lessons.source(lesson).read_bytes())
    for path in sorted(PACKAGE.rglob("*.py")):
        made.update(path.read_bytes())
    return made.hexdigest()[:16]


def page(lesson: str, ran: dict[str, Any]) -> str:
    """Return a lesson as Markdown."""
    parts = []
    for number, cell in enumerate(ran["cells"]):
        if cell["kind"] == "markdown":
            parts.append(cell["text"])
            continue
        parts.append(f"````python\n{cell['text']}\n````")
        parts += shown(f"{lesson}-{number}", cell["output"] or {})
    parts.append(
        f"---\n\nRun it yourself: `sightline learn {lesson}` makes the exercise, `sightline check {lesson}` grades it, "
        f"and `sightline lab` shows this lesson with everything live."
    )
    return "\n\n".join(parts) + "\n"


def shown(place: str, output: dict[str, Any]) -> list[str]:
    """Return what a cell gave: text, a trace to play, or HTML."""
    parts = []
    if output.get("text"):
        parts.append(f"````text\n{output['text'].rstrip()}\n````")
    if output.get("trace"):
        parts.append(f"```{{raw}} html\n{player(trace_from_bytes(base64.b64decode(output['trace'])))}\n```")
    elif output.get("html"):
        parts.append(f"```{{raw}} html\n<div class='output'>{output['html']}</div>\n```")
    return parts


def index() -> str:
    """Return the page of the path: the written days with links, the planned ones without."""
    parts = ["# Lessons\n\nThe twelve-week path, one program a day. Planned days have no link yet.\n"]
    for week in lessons.path():
        parts.append(f"## Week {week.number} · {week.title}\n")
        for day in week.days:
            name = f"[{day.id} · {day.title}]({day.id}.md)" if day.written else f"{day.id} · {day.title} (planned)"
            parts.append(f"- {name}: {day.question}")
        parts.append("")
    names = "\n".join(day.id for day in lessons.days())
    return "\n".join([*parts, f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"])
