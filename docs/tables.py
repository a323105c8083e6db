"""Write the pages that are lists: methods, evidence, speed. Nothing in them is typed by hand."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import re
import statistics
import textwrap
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sightline.core.catalogue import Method, methods
from sightline.core.evidence import ledger

LOSSES = Path(__file__).parent / "losses.toml"  # why a row is lost, by how its name begins
SPEED = Path(__file__).parent / "speed.json"
FIRST = SPEED.with_name("first_call.json")
SCALING = SPEED.with_name("scaling.json")
MEMORY = SPEED.with_name("memory.toml")  # why a method takes more memory than _BAR pictures, by its name
GROWTH = SPEED.with_name("growth.toml")  # why a pixel costs over _GROWTH times what one of the side before does
_BAR, _GROWTH = 3, 1.3


def write(folder: Path) -> None:
    """Write all generated pages into ``folder``."""
    folder.mkdir(exist_ok=True)
    catalogue = methods()
    (folder / "evidence.md").write_text(evidence_page(), "utf-8")
    (folder / "speed.md").write_text(speed_page(), "utf-8")
    reference = folder / "reference"
    reference.mkdir(exist_ok=True)
    for field in sorted({entry.field for entry in catalogue}):
        page = field_page(field, [entry for entry in catalogue if entry.field == field])
        (reference / f"{field}.md").write_text(page, "utf-8")


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a Markdown table."""
    columns = list(columns)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += [
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def field_page(field: str, entries: list[Method]) -> str:
    """Return the reference of one folder: signature, parameters, docstring and evidence of each method."""
    parts = [f"# sightline.{field}\n"]
    for m in entries:
        proof = [(e.kind, e.peer or e.figure, e.tolerance or e.published, e.measured, e.holds) for e in m.evidence]
        parts += [
            f"## {m.name}\n",
            f"{code(m.summary)} ({m.paper})\n",
            *described(m),
            table(("evidence", "against", "bound", "measured", "holds"), proof) if proof else "",
        ]
    return "\n".join(parts)


def described(m: Method) -> list[str]:
    """Return a method's signature, its parameters, and what else its docstring says."""
    span = [
        (
            f"`{p.name}`",
            p.kind,
            "" if p.low is None else f"{p.low:g}–{p.high:g}",
            ", ".join(p.choices),
            code(p.text),
        )
        for p in m.parameters
    ]
    return [
        f"```python\n{m.path}({signature(m)})\n```\n",
        table(("parameter", "kind", "range", "choices", ""), span),
        *sections(inspect.getdoc(m.function) or ""),
    ]


def signature(m: Method) -> str:
    """Return the parameters with their defaults."""
    items = inspect.signature(m.function).parameters.items()
    return ", ".join(name if p.default is p.empty else f"{name}={p.default!r}" for name, p in items)


def code(text: str) -> str:
    """Return docstring text as Markdown: roles lose their names, double backticks and colons become single ones."""
    text = re.sub(r"^::$", "", text, flags=re.MULTILINE)
    text = re.sub(r"::$", ":", text, flags=re.MULTILINE)
    return re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text).replace("``", "`")


def sections(doc: str) -> list[str]:
    """Return what a docstring says besides its summary and its parameters, as Markdown."""
    body = doc.partition("\n")[2]
    pieces = re.split(r"^(\w+)\n-{3,}\n", body, flags=re.MULTILINE)
    found = [code(_with_tables(textwrap.dedent(pieces[0]).strip())) + "\n"]
    for title, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if title == "Examples":
            found.append(f"```pycon\n{text.strip()}\n```\n")
        elif title != "Parameters":
            found.append(f"**{title}.** {code(' '.join(text.split()))}\n")
    return found


def _with_tables(text: str) -> str:
    """Return text whose tables, columns under lines of ``=``, are Markdown's."""
    rule = r"=+(?: =+)+"
    return re.sub(rf"^{rule}\n(.+)\n{rule}\n((?:.*\n)+?){rule}$", _markdown_table, text, flags=re.MULTILINE)


def _markdown_table(found: re.Match[str]) -> str:
    spans = [span.span() for span in re.finditer("=+", found.group(0).partition("\n")[0])]
    rows: list[list[str]] = []
    for line in [found.group(1), *found.group(2).splitlines()]:
        cells = [line[start : end if end < spans[-1][1] else None].strip() for start, end in spans]
        if cells[0] or not rows:
            rows.append(cells)
        else:  # what did not fit into the line above
            rows[-1] = [f"{first} {more}".strip() for first, more in zip(rows[-1], cells, strict=True)]
    return table(rows[0], [tuple(row) for row in rows[1:]])


def evidence_page() -> str:
    """Return the ledger."""
    rows = [
        (
            f"`{e.field}.{e.method}`",
            f"{e.peer} {e.version}".strip() or e.figure,
            e.tolerance or e.published,
            "" if e.measured is None else f"{e.measured:.4g}",
            "holds" if e.holds else "**fails**",
            f"`{e.command}`",
        )
        for e in ledger()
    ]
    head = ("method", "against", "bound or published", "measured", "", "command")
    return (
        "# Evidence\n\nWritten by the test run: each line compares a method with a reference that none of us wrote.\n\n"
        + table(head, rows)
    )


def speed_page() -> str:
    """Return the last benchmark table that was kept, with the machine that it ran on."""
    text = "# Speed\n\n"
    if not SPEED.exists():
        return text + "No table has been kept yet: run `make bench`.\n"
    kept = json.loads(SPEED.read_text("utf-8"))
    rows = [
        (r["name"], r["peer"], f"{r['ours_ms']:.3f}", f"{r['peer_ms']:.3f}", f"**{r['ratio']:.2f}×**", limit(r))
        for r in kept["rows"]
    ]
    text += f"{kept['conditions']}\n\nRatio = peer's time / ours: above 1 we are faster. Losses are listed too.\n\n"
    text += f"{summary(kept['rows'])}\n\n"
    text += table(("operation", "peer", "ours, ms", "peer, ms", "ratio", "copy, ms"), rows)
    return text + losses_section(kept["rows"]) + first_call_section() + scaling_section()


def losses_section(rows: list[dict[str, Any]]) -> str:
    """Return what is slower than a peer, and why; a loss whose reason nobody wrote down fails the build."""
    reasons = tomllib.loads(LOSSES.read_text("utf-8"))
    told = []
    for row in sorted((row for row in rows if row["ratio"] < 1), key=lambda row: row["ratio"]):
        known = [name for name in reasons if row["name"].startswith(name)]
        if not known:
            raise KeyError(f"{LOSSES.name}: no reason for '{row['name']}', {row['ratio']:.2f} of {row['peer']}.")
        told.append((row["name"], row["peer"], f"{row['ratio']:.2f}×", reasons[max(known, key=len)]))
    return f"\n## Losses and their reasons\n\n{table(('operation', 'peer', 'ratio', 'why'), told)}"


def first_call_section() -> str:
    """Return what compiling costs at the first call ever, as ``bench/first_call.py`` kept it."""
    if not FIRST.exists():
        return ""
    kept = json.loads(FIRST.read_text("utf-8"))
    first, cached = (sorted(times) for times in zip(*kept.values(), strict=True))
    text = (
        "\n## First call\n\n"
        "Kernels are compiled when they are first called, and kept on disk; `sightline warm` compiles all ahead. "
        "Seconds of processor time of the first call of a process on a small grey picture: where nothing has been "
        f"compiled yet, and with the code on disk. Of {len(kept)} methods {sum(t <= 1 for t in first)} are compiled "
        f"within a second; the median is {statistics.median(first):.2f} s, and {statistics.median(cached):.2f} s from "
        "disk. A kernel takes Numba about a tenth of a second and the first of a process three tenths more, so what is "
        "made of many kernels takes longer. `python bench/first_call.py --keep docs/first_call.json`\n\n"
    )
    rows = ((f"`{name}`", f"{cold:.2f}", f"{warm:.2f}") for name, (cold, warm) in kept.items())
    return text + table(("method", "nothing compiled", "from disk"), rows)


def scaling_section() -> str:
    """Return how time and memory grow with the picture, as ``bench/scaling.py`` kept it."""
    if not SCALING.exists():
        return ""
    kept = json.loads(SCALING.read_text("utf-8"))["rows"]
    sides = sorted({cell["side"] for row in kept for cell in row["sides"]})
    rows = []
    for row in kept:
        times = {cell["side"]: f"{cell['ns']:.2f}" for cell in row["sides"]}
        last = row["sides"][-1]
        measured = *(times.get(side, "") for side in sides), f"{last['memory']:.1f}×", f"{last['result']:.1f}×"
        rows.append((f"`{row['call']}`", row["picture"], *measured))
    text = (
        "\n## Large pictures\n\n"
        "Nanoseconds of processor time (of all threads) per pixel of square uint8 pictures, smooth grey or RGB or grey "
        "noise; and, of the largest one measured, the memory that a call takes at its peak besides what it is given "
        "and its result, "
        "and the result, as multiples of the picture's bytes. On a machine that is busy with other work, so that times "
        "vary by a third; small pictures stay in the cache, and what belongs to a strip weighs more in them. "
        "`python bench/scaling.py --side 16384 --keep docs/scaling.json`\n\n"
    )
    names = "call", "picture", *(f"{side}²" for side in sides), "memory", "result"
    return text + table(names, rows) + memory_section(kept) + growth_section(kept)


def memory_section(rows: list[dict[str, Any]]) -> str:
    """Return what takes more than three times the picture, and why; one whose reason nobody wrote fails the build."""
    told = []
    for row in rows:
        last = row["sides"][-1]
        if last["memory"] > _BAR:
            told.append((row, f"{last['memory']:.1f}×", f"{last['result']:.1f}×"))
    return _explained(f"More than {_BAR} times the picture", ("memory", "result"), told, MEMORY)


def growth_section(rows: list[dict[str, Any]]) -> str:
    """Return whose pixels cost more in a larger picture, and why; one whose reason nobody wrote fails the build."""
    told = []
    for row in rows:
        pairs = list(itertools.pairwise(row["sides"]))
        most = max((after["ns"] / before["ns"] for before, after in pairs), default=0.0)
        if most > _GROWTH:
            told.append((row, f"{most:.1f}×"))
    return _explained(f"More than {_GROWTH} times the cost of a pixel of the side before", ("times",), told, GROWTH)


def _explained(title: str, names: tuple[str, ...], told: list[tuple[Any, ...]], reasons_of: Path) -> str:
    reasons = tomllib.loads(reasons_of.read_text("utf-8"))
    rows = []
    for row, *figures in told:
        if row["name"] not in reasons:
            raise KeyError(f"{reasons_of.name}: no reason for '{row['call']}', {figures[0]}.")
        rows.append((f"`{row['call']}`", *figures, reasons[row["name"]]))
    return f"\n### {title}\n\n" + (table(("call", *names, "why"), rows) if rows else "Nothing.\n")


def limit(row: dict[str, Any]) -> str:
    """Return what moving the bytes alone costs, and a word where we are within twice that."""
    least = row.get("limit_ms", 0.0)
    if not least:
        return ""
    return f"{least:.3f}" + (" (near)" if row["ours_ms"] <= 2 * least else "")


def summary(rows: list[dict[str, Any]]) -> str:
    """Return the geometric mean and the number of losses against each peer."""
    parts = []
    for peer in dict.fromkeys(row["peer"] for row in rows):
        ratios = [row["ratio"] for row in rows if row["peer"] == peer]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        parts.append(f"{peer}: {mean:.2f} over {len(ratios)} rows, {sum(r < 1 for r in ratios)} below 1")
    return "Geometric means: " + "; ".join(parts) + ". *near*: within twice what a copy takes."
