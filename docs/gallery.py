"""Write the gallery: for every method that takes a picture what goes in, what comes out, and its steps, by running it.

Which photo, and with which arguments: ``scenes.py``.
"""

from __future__ import annotations

import html
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tables
from PIL import Image
from playing import player
from scenes import WIDTH, folders, options_for, picture_for, scene

import sightline as sl
from sightline.apply.outputs import as_picture, drawn, parts_of
from sightline.core.catalogue import Method, methods
from sightline.core.conversions import to_uint8
from sightline.core.trace import trace
from sightline.detect.coco_names import COCO_NAMES

FIELDS = ("image", "features", "geometry", "motion", "faces", "detect")
SPEED = Path(__file__).parent / "speed.json"

# Classes that find things in a picture: what is asked, and the sample that it is asked about.
FINDERS: dict[str, tuple[str, str]] = {"HaarCascade": ("frontal_face", "astronaut")}

# Detectors with public weights: their file in the folder of real data, the longer side that they read, and a photo.
PUBLIC: dict[str, tuple[str, int, str]] = {
    "nanodet": ("weights/nanodet_m.npz", 320, "opencv_samples/messi5.jpg"),
    "fastestdet": ("weights/FastestDet.onnx", 352, "opencv_samples/messi5.jpg"),
    "yolo_fastest_v2": ("weights/yolo_fastestv2_coco.npz", 352, "opencv_samples/messi5.jpg"),
}


def write(folder: Path, pictures: Path) -> None:
    """Write one page a method and the page of cards into ``folder``, the pictures into ``pictures``."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.md"), *pictures.glob("*.jpg")):
        old.unlink()
    speed = json.loads(SPEED.read_text("utf-8"))["rows"] if SPEED.exists() else []
    cards: dict[str, list[tuple[str, str, str]]] = {}
    for entry in [entry for field in FIELDS for entry in methods(field)]:
        rows = [row for row in speed if row["name"].split()[0] == f"{entry.field}.{entry.name}"]
        shown = page(entry, pictures, rows)
        if shown is None:
            continue
        text, thumbnail = shown
        (folder / f"{entry.name}.md").write_text(text, "utf-8")
        cards.setdefault(entry.task, []).append((entry.name, entry.summary, thumbnail))
    (folder / "index.md").write_text(index(cards), "utf-8")


def index(cards: dict[str, list[tuple[str, str, str]]]) -> str:
    """Return the page of cards, by task."""
    count = sum(len(group) for group in cards.values())
    parts = [f"# Gallery\n\n{count} methods that take a picture, each shown by running it.\n"]
    for task in sorted(cards):
        parts.append(f"## {task.capitalize()}\n\n```{{raw}} html\n<div class='gallery'>")
        for name, summary, thumbnail in cards[task]:
            parts.append(
                f"<a href='{name}.html' title='{html.escape(summary)}'>"
                f"<img loading='lazy' alt='{html.escape(name)}' src='../../_static/{thumbnail}'>"
                f"<b>{html.escape(name)}</b></a>"
            )
        parts.append("</div>\n```\n")
    names = "\n".join(name for group in cards.values() for name, *_ in group)
    return "\n".join([*parts, f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"])


def page(entry: Method, pictures: Path, speed: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Return a method's page and its thumbnail, None where there is nothing to see."""
    if entry.name in FINDERS:
        return finder_page(entry, pictures, speed)
    if entry.name in PUBLIC:
        return detector_page(entry, pictures, speed)
    if entry.parameters[0].kind not in ("image", "mask", "labels") or entry.name in ("write", "show"):
        return None
    photo = picture_for(entry.name)
    image = scene(entry, photo)
    options = options_for(entry, image)
    before = sheet(np.ascontiguousarray(image) if entry.parameters[0].kind == "image" else as_picture(image))
    result = entry.function(image, **options)
    found, others = parts_of(entry, result, image)
    after = sheet(as_picture(visible(next(iter(found.values()))))) if found else drawn(entry, result, image, options)
    parts = [f"# {entry.name}\n\n{tables.code(entry.summary)} ({entry.paper})\n"]
    figures = [figure("in", before, save(before, pictures, f"{entry.name}-in"))]
    thumbnail = f"{entry.name}-in.jpg"
    if after is not None:
        thumbnail = save(after, pictures, f"{entry.name}-out")
        figures.append(figure("out", after, thumbnail))
    parts.append(strip(figures))
    if others:
        told = "\n".join(f"{name or 'result'}: {brief(value)}" for name, value in others.items())
        parts.append(f"```text\n{told}\n```\n")
    parts.append(usage(entry, options))
    if entry.steps is not None:
        parts.append(f"## Steps\n\n```{{raw}} html\n{player(trace(entry.function, image, **options))}\n```\n")
    parts += ["## Reference\n", *tables.described(entry)]
    parts.append(proof(entry, speed))
    return "\n".join(parts), thumbnail


def detector_page(entry: Method, pictures: Path, speed: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Return the page and the thumbnail of a detector with its public weights; None where they are not there."""
    weights, size, where = PUBLIC[entry.name]
    data = next((folder for folder in folders() if (folder / weights).exists() and (folder / where).exists()), None)
    if data is None:
        return None
    photo, model = sl.read(data / where), entry.function().eval()
    model.begin(str(data / weights))
    square = entry.name == "fastestdet"
    (found,) = sl.detect.Search(model, COCO_NAMES, size, square=square).find([photo], confidence=0.4)
    after = sheet(found.draw(photo))
    thumbnail = save(after, pictures, f"{entry.name}-out")
    figures = [figure("in", sheet(photo), save(sheet(photo), pictures, f"{entry.name}-in"))]
    strips = strip([*figures, figure("out", after, thumbnail)])
    name, more = f"sl.{entry.field}.{entry.name}", ", square=True" if square else ""
    lines = (
        "import sightline as sl\nfrom sightline.detect.coco_names import COCO_NAMES\n",
        f"model = {name}().eval()",
        f'model.begin("{Path(weights).name}")  # its author\'s weights for the 80 classes of COCO',
        f'(found,) = sl.detect.Search(model, COCO_NAMES, {size}{more}).find([sl.read("photo.jpg")], confidence=0.4)',
    )
    parts = [f"# {entry.name}\n\n{tables.code(entry.summary)} ({entry.paper})\n", strips]
    parts.append("```python\n" + "\n".join(lines) + "\n```\n")
    parts += ["## Reference\n", *tables.described(entry), proof(entry, speed)]
    return "\n".join(parts), thumbnail


def finder_page(entry: Method, pictures: Path, speed: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the page and the thumbnail of a class that finds things in a picture."""
    make, sample = FINDERS[entry.name]
    photo = sl.data.sample(sample)
    photo = sl.image.resize(photo, (round(photo.shape[0] * WIDTH / photo.shape[1]), WIDTH))
    finder = getattr(entry.function, make)()
    after = finder.detect(photo).draw(photo)
    thumbnail = save(after, pictures, f"{entry.name}-out")
    figures = [figure("in", photo, save(photo, pictures, f"{entry.name}-in")), figure("out", after, thumbnail)]
    name = f"sl.{entry.field}.{entry.name}"
    call = f'found = {name}.{make}().detect(sl.data.sample("{sample}"))'
    parts = [f"# {entry.name}\n\n{tables.code(entry.summary)} ({entry.paper})\n", strip(figures)]
    parts.append(f"```python\nimport sightline as sl\n\n{call}\n```\n")
    parts.append(f"## Steps\n\n```{{raw}} html\n{player(trace(entry.function, finder, photo))}\n```\n")
    parts += ["## Reference\n", *tables.described(entry), proof(entry, speed)]
    return "\n".join(parts), thumbnail


def usage(entry: Method, options: dict[str, Any]) -> str:
    """Return the call that made the picture, and where its parameters stand."""
    words = [entry.parameters[0].name]
    for name, value in options.items():
        plain = isinstance(value, (bool, int, float, str, tuple))
        words.append(f"{name}={value!r}" if plain else f"{name}={name}")
    call = f"found = {entry.path.replace('sightline', 'sl', 1)}({', '.join(words)})"
    return f"```python\nimport sightline as sl\n\n{call}\n```\n"


def proof(entry: Method, speed: list[dict[str, Any]]) -> str:
    """Return what the ledger and the kept benchmark say of a method."""
    lines = [
        f"- {'equals' if e.kind == 'equals' else 'reaches'} {e.peer or e.figure}: {e.tolerance or e.published}"
        + ("" if e.measured is None else f", measured {e.measured:.4g}")
        for e in entry.evidence
        if e.holds
    ]
    lines += [f"- {row['name'].partition('.')[2]}: {row['ratio']:.2f}× {row['peer']}" for row in speed]
    return "## Evidence and speed\n\n" + "\n".join(lines) + "\n" if lines else ""


def sheet(picture: np.ndarray) -> np.ndarray:
    """Return a picture as H×W×3 uint8."""
    eight = to_uint8(picture)
    return np.repeat(eight[..., None], 3, axis=2) if eight.ndim == 2 else np.ascontiguousarray(eight[..., :3])


def visible(values: np.ndarray) -> np.ndarray:
    """Return a response that would be black in a picture as bright as it can be, by its roots; all else as it is."""
    if values.dtype != np.float32 or not values.size or values.min() < 0 or not 0 < values.max() < 1 / 16:
        return values
    return np.sqrt(values / values.max())


def save(picture: np.ndarray, folder: Path, name: str) -> str:
    """Write a picture for the page; small ones are enlarged without smoothing."""
    made = Image.fromarray(sheet(picture))
    if made.width < 160:
        times = -(-160 // made.width)
        made = made.resize((made.width * times, made.height * times), Image.Resampling.NEAREST)
    made.thumbnail((WIDTH, 2 * WIDTH))
    made.save(folder / f"{name}.jpg", quality=85)
    return f"{name}.jpg"


def figure(caption: str, picture: np.ndarray, file: str, note: str = "") -> str:
    """Return one figure of a strip."""
    size = f"{picture.shape[1]}×{picture.shape[0]}"
    text = f"<b>{html.escape(caption)}</b> <small>{size}{'. ' + html.escape(note) if note else ''}</small>"
    return (
        f"<figure><img loading='lazy' alt='{html.escape(caption)}' src='../../_static/{file}'>"
        f"<figcaption>{text}</figcaption></figure>"
    )


def brief(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if is_dataclass(value) and not isinstance(value, type):
        told = (f"{field.name}={brief(getattr(value, field.name))}" for field in fields(value) if field.repr)
        return f"{type(value).__name__}({', '.join(told)})"
    if isinstance(value, (list, tuple)) and len(value) > 3:
        return f"{len(value)} found; the first: {brief(value[0])}"
    if isinstance(value, np.ndarray) and value.size > 24:
        return f"{'×'.join(map(str, value.shape))} {value.dtype.name}"
    text = " ".join(str(value).split())
    return text if len(text) < 300 else text[:297] + " …"


def strip(figures: list[str]) -> str:
    """Return figures beside each other."""
    return "```{raw} html\n<div class='strip'>" + "\n".join(figures) + "</div>\n```\n"
