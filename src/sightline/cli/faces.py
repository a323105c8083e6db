"""``sightline faces``: enrol people from photos, recognise them in photos, videos and live, or only find faces."""

from __future__ import annotations

import csv
import io
import json as json_text
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from cyclopts import App, Parameter
from rich.console import Console

from sightline.cli.live import is_moving, open_moving, trouble_of
from sightline.cli.sources import find_sources, keep_source
from sightline.cli.terminal import Answer, counted, frame_bar
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.files import write_text

if TYPE_CHECKING:
    from sightline.core.results import Detections
    from sightline.faces.gallery import FaceGallery

app = App(name="faces", help="Enrol people, recognise them, or find faces.", help_format="plaintext")
GALLERY = Path("faces.npz")
_Found = tuple[np.ndarray, list[dict[str, Any]]]  # the picture with boxes on it, and a record for each


@app.command
def enrol(
    name: str,
    /,
    *photos: str,
    gallery: Path = GALLERY,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Add photos of a person to a gallery of faces.

    Parameters
    ----------
    name
        Whose photos they are.
    photos
        Files, folders or patterns; one photo is enough. Of several faces in one, the largest is taken.
    gallery
        The file of people; made when it is not there, replaced as a whole.
    json
        Give who is known as JSON.
    """
    from sightline.faces.gallery import FaceGallery

    if not photos:
        raise InputError(f"faces enrol: a photo of '{name}' must be named; got none.")
    people = FaceGallery.load(gallery) if gallery.exists() else FaceGallery()
    sources = find_sources(photos)
    unread: list[str] = []

    def images() -> Iterator[np.ndarray]:
        for source in counted(sources, "enrol"):
            try:
                yield source.read()
            except FormatError as error:
                unread.append(str(error))
                yield np.zeros((1, 1), np.uint8)  # holds no face, and keeps the count

    done = people.enrol(name, images())
    people.save(gallery)
    doubts = [f"{sources[i].name}: {sentence}" for i, sentence in done.doubts]
    value = {
        "gallery": str(gallery),
        "name": name,
        "added": done.added,
        "without_a_face": [sources[i].name for i in done.without],
        "people": people.people,
    }
    if unread:
        value["unread"] = unread
    if doubts:
        value["doubts"] = doubts

    def show(console: Console) -> None:
        console.print(f"{name}: {done.added} photos added; {len(people.people)} people in {gallery}.", markup=False)
        for sentence in [*(f"no face found in {file}" for file in value["without_a_face"]), *doubts]:
            console.print(f"  {sentence}", markup=False, soft_wrap=True)

    return Answer(value, show, json)


@app.command
def recognise(
    source: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    gallery: Path = GALLERY,
    lines: Path | None = None,
    every: int = 1,
    limit: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Say who is in photos, a video or before a camera; whoever was not enrolled is unknown.

    Parameters
    ----------
    source
        A photo, a folder or pattern of photos, a video, webcam, or the address of a stream.
    output
        Where annotated pictures go: a file for one photo, a folder for several, a video for frames.
    gallery
        The file of people that `enrol` wrote.
    lines
        A file for one line a face: .csv, or .jsonl for JSON.
    every, limit
        Of frames, take every n-th, and at most this many.
    json
        Give the faces as JSON.
    """
    from sightline.faces.gallery import FaceGallery

    if not gallery.exists():
        raise MissingFileError(f"faces recognise: gallery '{gallery}' does not exist. Make it: faces enrol NAME PHOTO")
    people: FaceGallery = FaceGallery.load(gallery)

    def named(image: np.ndarray) -> _Found:
        found = people.recognise(image)
        return found.draw(image), found.to_json()

    return _answer(source, named, output, lines, every, limit, json)


@app.command
def detect(
    source: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    detector: str = "cascade",
    scale: float = 1.1,
    neighbours: int | None = None,
    threshold: float | None = None,
    lines: Path | None = None,
    every: int = 1,
    limit: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Find faces in photos, a video or before a camera, or whatever another detector finds.

    Parameters
    ----------
    source
        A photo, a folder or pattern of photos, a video, webcam, or the address of a stream.
    output
        Where annotated pictures go: a file for one photo, a folder for several, a video for frames.
    detector
        cascade (the frontal face that comes with the package), cascade:FILE.xml (OpenCV's file of another one), or
        hog:WINDOW.npz (a window of gradients that HogFace.train taught and HogFace.save wrote).
    scale
        Factor from one size of the window to the next, 1.01–2.
    neighbours
        Of a cascade: a box needs more than this many windows; 4 when left out.
    threshold
        Of a window of gradients: the score that a box must exceed; 0 when left out.
    lines
        A file for one line a face: .csv, or .jsonl for JSON.
    every, limit
        Of frames, take every n-th, and at most this many.
    json
        Give the boxes as JSON.
    """
    find = _detector(detector, scale, neighbours, threshold)

    def boxed(image: np.ndarray) -> _Found:
        found = find(image)
        rows = [{"box": row["box"], "name": row["name"], "score": round(row["score"], 3)} for row in found.to_json()]
        return found.draw(image), rows

    return _answer(source, boxed, output, lines, every, limit, json)


def _detector(
    word: str, scale: float, neighbours: int | None, threshold: float | None
) -> Callable[[np.ndarray], Detections]:
    """Return what ``--detector`` names, as a function from a picture to boxes."""
    from sightline.faces import HaarCascade, HogFace

    kind, _, name = word.partition(":")
    file = Path(name)
    if kind not in ("cascade", "hog") or (kind == "hog" and not name):
        raise InputError(f"faces detect: --detector must be cascade, cascade:FILE.xml or hog:WINDOW.npz; got '{word}'.")
    idle, other = ("threshold", threshold) if kind == "cascade" else ("neighbours", neighbours)
    if other is not None:
        raise InputError(
            f"faces detect: --{idle} must be left out with --detector {kind}, which has none; got {other}."
        )
    if kind == "hog":
        window = HogFace.load(file)
        return lambda image: window.detect(image, scale, threshold=threshold or 0.0)
    cascade = HaarCascade.load(file, file.stem) if name else HaarCascade.frontal_face()
    return lambda image: cascade.detect(image, scale, 4 if neighbours is None else neighbours)


def _answer(
    source: str,
    find: Callable[[np.ndarray], _Found],
    output: Path | None,
    lines: Path | None,
    every: int,
    limit: int | None,
    json: bool,
) -> Answer:
    if lines is not None and lines.suffix not in (".csv", ".jsonl"):
        raise InputError(f"faces: --lines must be a .csv or .jsonl file; got '{lines}'.")
    moving = is_moving((source,), output)
    value = _frames(source, find, output, every, limit) if moving else _photos(source, find, output)
    if lines is not None:
        write_text(lines, _lines(value["pictures"], lines.suffix == ".csv"))

    def show(console: Console) -> None:
        for row in value["pictures"]:
            names = ", ".join(face["name"] for face in row["faces"]) or "no face"
            console.print(f"{row['picture']}: {names}", markup=False, soft_wrap=True)
        if value["output"]:
            console.print(f"Written: {value['output']}", markup=False, soft_wrap=True)

    return Answer(value, show, json)


def _photos(source: str, find: Callable[[np.ndarray], _Found], output: Path | None) -> dict[str, Any]:
    from sightline.image import write

    sources = find_sources([source])
    many = len(sources) > 1 or Path(source).is_dir()
    if output is not None and many:
        output.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for item in counted(sources, "faces"):
        target = output and (output / f"{item.stem}.png" if many else output)
        if target is not None:
            keep_source("faces", item.name, target)
        try:
            picture, faces = find(item.read())
        except FormatError as error:
            if not many:
                raise
            rows.append({"picture": item.name, "faces": [], "error": str(error)})
            continue
        rows.append({"picture": item.name, "faces": faces})
        if target is not None:
            write(target, picture)
    return {"source": source, "output": None if output is None else str(output), "pictures": rows}


def _frames(
    source: str, find: Callable[[np.ndarray], _Found], output: Path | None, every: int, limit: int | None
) -> dict[str, Any]:
    """Go through frames; what was found until a source breaks off, or Ctrl-C ends a live one, is kept."""
    from sightline.image import write_frames

    if output is not None:
        keep_source("faces", source, output)
    clip = open_moving(source, every)
    rows: list[dict[str, Any]] = []
    broken: list[str] = []

    def pictures() -> Iterator[np.ndarray]:
        shape: tuple[int, ...] | None = None
        try:
            for number, frame in enumerate(clip):
                if limit is not None and number >= limit:
                    return
                picture, faces = find(frame)
                rows.append({"picture": clip.index, "seconds": clip.seconds, "faces": faces})
                progress()
                shape = shape or picture.shape
                yield picture if picture.shape == shape else _fitted(picture, shape)
            broken.extend(filter(None, [trouble_of(clip)]))
        except KeyboardInterrupt:
            if not clip.live:
                raise
        except FormatError as error:
            if not rows:
                raise
            broken.append(str(error))

    with clip, frame_bar("faces", clip.count if limit is None else min(limit, clip.count or limit)) as progress:
        if output is not None:
            write_frames(output, pictures(), fps=clip.fps or 25.0)
        else:
            for _ in pictures():
                pass
    value: dict[str, Any] = {"source": source, "output": None if output is None else str(output), "pictures": rows}
    return value | ({"broken_off": broken[0]} if broken else {})


def _fitted(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a frame of another size in that of the first."""
    from sightline.image import resize

    return resize(picture, (shape[0], shape[1]))


def _lines(pictures: list[dict[str, Any]], as_table: bool) -> str:
    rows = [(row["picture"], face) for row in pictures for face in row["faces"]]
    if not as_table:
        return "".join(json_text.dumps({"picture": p, **face}, ensure_ascii=False) + "\n" for p, face in rows)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["picture", "name", "x1", "y1", "x2", "y2", "score_or_distance"])
    for picture, face in rows:
        number = face.get("distance", face.get("score"))
        table.writerow([picture, face["name"], *(f"{v:g}" for v in face["box"]), number])
    return text.getvalue()
