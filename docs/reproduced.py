"""Write the table of published figures: what others claimed, what we measured, and the command that repeats it."""

from __future__ import annotations

import ast
from pathlib import Path

from sightline.core.evidence import Evidence, ledger

FOLDER = Path(__file__).resolve().parent.parent / "reproduce"


def write(page: Path) -> None:
    """Write the page from the ledger and the files of ``reproduce/``."""
    claims = [entry for entry in ledger() if entry.kind == "reaches"]
    rows = [line(entry) for entry in sorted(claims, key=lambda entry: (entry.field, entry.method, entry.figure))]
    programs = [f"| `sightline reproduce {name(path)}` | {about(path)} |" for path in sorted(FOLDER.glob("*.py"))]
    page.write_text(
        "# Published figures\n\nEach figure below was measured by the command beside it; ours stands there also where "
        "it is the worse one.\n\n| method | figure | published | ours | | source | data | command |\n"
        "|---|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "## Programs\n\n| command | what it repeats |\n|---|---|\n" + "\n".join(programs) + "\n",
        "utf-8",
    )


def line(entry: Evidence) -> str:
    """Return one claim as a row."""
    published = "" if entry.published is None else f"{entry.published:g}"
    measured = "" if entry.measured is None else f"{entry.measured:.4g}"
    cells = (
        f"`{entry.field}.{entry.method}`",
        entry.figure,
        published,
        measured,
        "holds" if entry.holds else "**falls short**",
        entry.source,
        entry.data,
        f"`{entry.command}`",
    )
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def name(path: Path) -> str:
    """Return the name that the command line knows a program by."""
    return path.stem.replace("_", "-")


def about(path: Path) -> str:
    """Return the first line of a program's text."""
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0].replace("|", "\\|")
