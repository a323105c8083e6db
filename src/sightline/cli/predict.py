"""``sightline predict``: what is in images, folders of them, videos and what a camera sees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from sightline.apply.detected import NOTHING, Forms, Seen, free, write_crops, write_seen
from sightline.apply.source import Source
from sightline.cli.live import is_moving
from sightline.cli.sources import find_sources
from sightline.cli.terminal import FAILED, OK, Answer, counted, talk
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.results import Detections

_BATCH = 32


def predict(
    run: str,
    /,
    *source: Annotated[str, Parameter(required=True)],
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    confidence: float | None = None,
    tile: int | None = None,
    text: str | None = None,
    engine: Literal["torch", "fused", "onnx"] = "torch",
    precision: Literal["fp32", "bf16"] = "fp32",
    forms: Annotated[Forms, Parameter(name="*")] = NOTHING,
    crops: Path | None = None,
    every: int = 1,
    limit: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Say what is in images. An image that cannot be read is named, and the others are still answered.

    Parameters
    ----------
    run
        Folder of a run, for example runs/digits-1.
    source
        Images, folders, patterns, .txt lists of paths, or - for stdin. A detector takes one video, address or camera
        (webcam, webcam:1) as well.
    out
        Folder for copies of the images with the prediction drawn on them; for a video, the annotated video.
    confidence
        Detectors: the lowest score that is told, 0–1; 0.25 when left out.
    tile
        Detectors: search tiles of this many pixels besides the whole, for small things in large pictures.
    text
        Grounding DINO: what to look for, phrases with a full stop behind each.
    engine
        Who computes: fused takes some seconds to begin and is the fastest on a CPU, where there are many images.
    precision
        bf16 computes in bfloat16, where the processor has it.
    crops
        Detectors: folder for each thing cut out, by class.
    every
        Of a video, take every n-th frame.
    limit
        Of a video, stop after this many frames.
    json
        Give one record an image as JSON.
    """
    import sightline

    given: dict[str, Any] = {"confidence": confidence, "tile": tile, "text": text}
    options = {name: value for name, value in given.items() if value is not None}
    forms.check("predict")
    form = {"engine": engine, "precision": precision}
    if is_moving(source, None):
        from sightline.cli.predict_live import predict_live

        return predict_live(sightline.load(run, **form), source[0], options, forms, out, crops, every, limit, json)
    sources = find_sources(source)
    predictor = sightline.load(run, **form)
    work = Work(predictor, options, out, crops)
    for batch in counted([sources[start : start + _BATCH] for start in range(0, len(sources), _BATCH)], "predict"):
        work.take(batch)
    if forms and len(work.seen) + work.failed < len(work.rows):
        raise InputError(f"predict: --coco, --yolo, --csv and --lines are for detectors; '{run}' is none.")
    files = write_seen(work.seen, forms)
    return Answer(work.rows, lambda console: show_found(console, work.rows, files), json, FAILED if work.failed else OK)


class Work:
    """A model at work on images, batch by batch."""

    def __init__(self, predictor: Any, options: dict[str, Any], out: Path | None, crops: Path | None) -> None:
        self.predictor, self.options, self.out, self.crops = predictor, options, out, crops
        self.rows: list[dict[str, Any]] = []
        self.seen: list[Seen] = []
        self.failed = 0

    def take(self, batch: list[Source]) -> None:
        """Answer for each image of a batch."""
        rows: list[dict[str, Any]] = [{"source": source.name} for source in batch]
        images: dict[int, Any] = {}
        for index, source in enumerate(batch):
            try:
                images[index] = source.read()
            except (FormatError, InputError, MissingFileError) as error:
                talk().print(str(error), style="red", markup=False, soft_wrap=True)
                rows[index]["error"] = str(error)
                self.failed += 1
        found = self.predictor.predict(list(images.values()), **self.options) if images else []
        for (index, image), result in zip(images.items(), found, strict=True):
            rows[index].update(self._answer(batch[index], image, result))
        self.rows += rows

    def _answer(self, source: Source, image: Any, result: Any) -> dict[str, Any]:
        row: dict[str, Any] = {}
        if isinstance(result, Detections):
            item = Seen(source.name, image.shape[:2], result)
            self.seen.append(item)
            row = item.to_json()
            if self.crops is not None:
                row["crops"] = write_crops(self.crops, image, item)
        else:
            row = result.to_json()
        if self.out is not None:
            row["drawn"] = _write_drawn(self.out, source, result.draw(image))
        return row


def show_found(console: Console, rows: list[dict[str, Any]], files: list[str]) -> None:
    """Print a line for each picture, and where the files are."""
    width = max(len(row["source"]) for row in rows)
    for row in rows:
        if "error" not in row:
            said = found_text(row["detections"]) if "detections" in row else _top_text(row["top"])
            console.print(f"{row['source']:<{width}}  {said}", markup=False, soft_wrap=True)
    if files:
        console.print(f"Look at {', '.join(files)}.", markup=False, soft_wrap=True)


def _top_text(top: list[dict[str, Any]]) -> str:
    return ", ".join(f"{item['label']} {item['score']:.1%}" for item in top[:3])


def found_text(found: list[dict[str, Any]], most: int = 6) -> str:
    """Return what was found in a few words: the things of each class, and how sure it is of the first ones."""
    if not found:
        return "nothing"
    shown = ", ".join(f"{item['name']} {item['score']:.0%}" for item in found[:most])
    return shown if len(found) <= most else f"{shown} and {len(found) - most} more"


def _write_drawn(out: Path, source: Source, picture: Any) -> str:
    from sightline.image.write import write

    out.mkdir(parents=True, exist_ok=True)
    target = free(out / f"{source.stem}.png")
    write(target, picture)
    return str(target)
