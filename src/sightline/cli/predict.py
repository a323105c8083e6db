"""``sightline predict``: what is in images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.apply.source import Source
from sightline.cli.sources import find_sources
from sightline.cli.terminal import FAILED, OK, Answer, counted, talk
from sightline.core.errors import FormatError, InputError, MissingFileError

_BATCH = 32


def predict(
    run: str,
    /,
    *source: Annotated[str, Parameter(required=True)],
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Say what is in images. An image that cannot be read is named, and the others are still answered.

    Parameters
    ----------
    run
        Folder of a run, for example runs/digits-1.
    source
        Images, folders, patterns, .txt lists of paths, or - for stdin.
    out
        Folder for copies of the images with the prediction drawn on them.
    json
        Give one record an image as JSON.
    """
    import sightline

    sources = find_sources(source)
    predictor = sightline.load(run)
    rows: list[dict[str, Any]] = []
    batches = [sources[start : start + _BATCH] for start in range(0, len(sources), _BATCH)]
    for batch in counted(batches, "predict"):
        rows += _predict_batch(predictor, batch, out)
    failed = [row for row in rows if "error" in row]

    def show(console: Console) -> None:
        width = max(len(row["source"]) for row in rows)
        for row in rows:
            if "error" not in row:
                top = ", ".join(f"{item['label']} {item['score']:.1%}" for item in row["top"][:3])
                console.print(f"{row['source']:<{width}}  {top}", markup=False, soft_wrap=True)

    return Answer(rows, show, json, FAILED if failed else OK)


def _predict_batch(predictor: Any, batch: list[Source], out: Path | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"source": source.name} for source in batch]
    images: dict[int, Any] = {}
    for index, source in enumerate(batch):
        try:
            images[index] = source.read()
        except (FormatError, InputError, MissingFileError) as error:
            talk().print(str(error), style="red", markup=False, soft_wrap=True)
            rows[index]["error"] = str(error)
    found = predictor.predict(list(images.values())) if images else []
    for (index, image), result in zip(images.items(), found, strict=True):
        rows[index].update(result.to_json())
        if out is not None:
            rows[index]["drawn"] = _write_drawn(out, batch[index], result.draw(image))
    return rows


def _write_drawn(out: Path, source: Source, picture: Any) -> str:
    from sightline.image.write import write

    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{source.stem}.png"
    number = 2
    while target.exists():  # equal names from several folders stay apart, and nothing is overwritten
        target = out / f"{source.stem}-{number}.png"
        number += 1
    write(target, picture)
    return str(target)
