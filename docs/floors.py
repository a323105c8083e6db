"""Draw the floors of the house from the code: the layers that the import contract holds, and who imports whom."""

from __future__ import annotations

import ast
import html
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "sightline"
BAND, BOX, WIDTH, LEFT = 92, 46, 960, 40  # pixels: a floor's height, a folder's, the drawing's width, room for numbers


@dataclass(frozen=True)
class Folder:
    """A folder of the package: its name, its first line, how many files and lines it has, whom it imports."""

    name: str
    about: str
    files: int
    lines: int
    imports: Counter[str]


def write(page: Path) -> None:
    """Write the page with the drawing and the table of folders."""
    layers = floors()
    folders = {name: read_folder(name) for layer in layers for name in layer}
    rows = [
        f"| {len(layers) - 1 - at} | `{name}` | {folders[name].about} | {folders[name].files} | {folders[name].lines} |"
        for at, layer in enumerate(layers)
        for name in layer
    ]
    table = "\n".join(["| floor | folder | | files | lines |", "|---|---|---|---|---|", *rows])
    drawing = "\n".join(svg(layers, folders))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"```{{raw}} html\n<div class='floors'>\n{drawing}\n</div>\n```\n\n{table}\n", "utf-8")


def floors() -> list[list[str]]:
    """Return the folders of each floor, the top one first, as the import contract lists them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    named = [[name.strip() for name in layer.split("|")] for layer in layers]
    return [[name for name in layer if (PACKAGE / name).is_dir()] for layer in named]


def read_folder(name: str) -> Folder:
    """Return what a folder holds and imports; imports inside functions count, too."""
    files = sorted((PACKAGE / name).rglob("*.py"))
    imports: Counter[str] = Counter()
    lines = 0
    for path in files:
        text = path.read_text("utf-8")
        lines += text.count("\n")
        for node in ast.walk(ast.parse(text)):
            imports.update(other for other in _imported(node) if other != name)
    doc = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text("utf-8"))) or ""
    return Folder(name, doc.partition("\n")[0].rstrip("."), len(files), lines, imports)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sightline."):
        return [(node.module or "").split(".")[1]]
    if isinstance(node, ast.ImportFrom) and node.module == "sightline":
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("sightline.")]
    return []


def svg(layers: list[list[str]], folders: dict[str, Folder]) -> list[str]:
    """Return the drawing: one band a floor, one box a folder, a line from each importer down to what it imports."""
    place = {}
    for at, layer in enumerate(layers):
        gap = (WIDTH - LEFT) / len(layer)
        for column, name in enumerate(layer):
            place[name] = (LEFT + gap * (column + 0.5), BAND * (at + 0.5))
    height = BAND * len(layers)
    parts = [f"<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='Folders by floor; imports go down only'>"]
    for at in range(len(layers)):
        parts.append(f"<line class='band' x1='0' x2='{WIDTH}' y1='{BAND * (at + 1)}' y2='{BAND * (at + 1)}'/>")
        parts.append(f"<text class='floor' x='8' y='{BAND * (at + 0.5) + 5:.0f}'>{len(layers) - 1 - at}</text>")
    for name, folder in folders.items():
        for other, count in sorted(folder.imports.items()):
            if other in place:
                parts.append(_arrow(place[name], place[other], f"{name} imports {other} {count} times", count))
    for name, (x, y) in place.items():
        folder = folders[name]
        parts.append(
            f"<g><title>{html.escape(folder.about)}</title>"
            f"<rect x='{x - 52:.0f}' y='{y - BOX / 2:.0f}' width='104' height='{BOX}' rx='8'/>"
            f"<text class='name' x='{x:.0f}' y='{y - 2:.0f}'>{name}</text>"
            f"<text class='size' x='{x:.0f}' y='{y + 14:.0f}'>{folder.files} files</text></g>"
        )
    return [*parts, "</svg>"]


def _arrow(start: tuple[float, float], end: tuple[float, float], title: str, count: int) -> str:
    (x1, y1), (x2, y2) = start, end
    width = 1 + min(count, 120) ** 0.5 / 4
    top, middle, bottom = y1 + BOX / 2, (y1 + y2) / 2, y2 - BOX / 2
    return (
        f"<path d='M{x1:.0f} {top:.0f} C{x1:.0f} {middle:.0f} {x2:.0f} {middle:.0f} {x2:.0f} {bottom:.0f}'"
        f" stroke-width='{width:.1f}'><title>{title}</title></path>"
    )
