"""``sightline detect grounding_dino``: boxes from words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sightline.apply.detected import Forms, write_seen
from sightline.cli.predict import Work, show_found
from sightline.cli.sources import find_sources
from sightline.cli.terminal import FAILED, OK, Answer, counted


def grounding_dino(
    *source: Annotated[str, Parameter(required=True)],
    text: str,
    weights: str = "grounding-dino-tiny",
    vocabulary: Path | None = None,
    variant: Literal["tiny", "base"] = "tiny",
    box_threshold: float = 0.25,
    text_threshold: float = 0.25,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    csv: Path | None = None,
    lines: Path | None = None,
    crops: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Find what a text names: sightline detect grounding_dino photo.jpg --text "a cat. a dog." --weights FILE

    Parameters
    ----------
    source
        Images, folders, patterns, .txt lists of paths, or - for stdin.
    text
        What to look for: phrases with a full stop behind each.
    weights
        File of weights, such as model.safetensors of IDEA-Research/grounding-dino-tiny, or a name of the zoo.
    vocabulary
        tokenizer.json or vocab.txt; looked for beside the weights when left out.
    variant
        Which model a file's weights are of; a name of the zoo says it.
    box_threshold
        The lowest score of a box, 0–1.
    text_threshold
        The lowest score of a word of its name, 0–1.
    out
        Folder for copies of the images with the boxes drawn on them.
    csv
        File for a table with a row for each box.
    lines
        File for one line of JSON an image.
    crops
        Folder for each thing cut out, by name.
    json
        Give one record an image as JSON.
    """
    from sightline.apply.grounded import load_grounded

    forms = Forms(csv=csv, lines=lines)
    forms.check("grounding_dino")
    sources = find_sources(source)
    asked = {"text": text, "box_threshold": box_threshold, "text_threshold": text_threshold}
    work = Work(load_grounded(weights, vocabulary=vocabulary, variant=variant), asked, out, crops)
    for one in counted(sources, "detect"):
        work.take([one])
    files = write_seen(work.seen, forms)
    return Answer(work.rows, lambda console: show_found(console, work.rows, files), json, FAILED if work.failed else OK)
