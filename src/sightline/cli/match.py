"""``sightline features match A B``: what two photos have in common, drawn and written down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.terminal import Answer
from sightline.core.errors import InputError
from sightline.core.files import atomic_writer, write_json


def match(
    a: Path,
    b: Path,
    /,
    *,
    by: Literal["sift", "orb"] = "sift",
    ratio: float = 0.8,
    cross_check: Annotated[bool, Parameter(negative="")] = False,
    agree: Literal["homography", "fundamental"] | None = None,
    threshold: float = 3.0,
    max_features: int | None = None,
    seed: int = 0,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Match two photos: draw which point of the one is which of the other.

    Parameters
    ----------
    a, b
        The two photos.
    by
        What describes the points.
    ratio
        Greatest distance to the nearest descriptor as a share of that to the second nearest, 0.01 to 1.
    cross_check
        Keep a pair only when each is the other's nearest.
    agree
        Keep only the pairs that one homography (a flat scene, or a camera that turned) or one fundamental matrix (any
        scene) explains.
    threshold
        Pixels by which a pair that agrees may be off.
    max_features
        Keep this many of the strongest points of each photo.
    seed
        Seed of the samples that look for agreement.
    output
        Picture to write the matches on, or a .json or .npy file for the points: x and y in a, x and y in b.
    json
        Give the counts and the pairs as JSON.
    """
    from sightline import features, geometry
    from sightline.image import read, write

    photos = [read(path) for path in (a, b)]
    options: dict[str, Any] = {} if max_features is None else {"max_features": max_features}
    found = [getattr(features, by)(photo, **options) for photo in photos]
    for path, points in zip((a, b), found, strict=True):
        if len(points) < 2:
            raise InputError(f"match: '{path}' must have texture; {len(points)} points were found by {by}.")
    pairs = features.match(found[0], found[1], ratio, cross_check)
    matched = len(pairs)
    if agree is not None:
        fit = getattr(geometry, agree)(pairs.points_a, pairs.points_b, threshold=threshold, seed=seed)
        pairs = pairs[fit.inliers]
    ends = np.concatenate([np.asarray(pairs.points_a), np.asarray(pairs.points_b)], axis=1)
    value: dict[str, Any] = {
        "a": str(a), "b": str(b), "points": [len(points) for points in found], "matches": matched,
        "agree": len(pairs) if agree else None, "output": None if output is None else str(output),
        "pairs": ends.round(3).tolist(),
    }  # fmt: skip
    if output is not None and output.suffix == ".npy":
        with atomic_writer(output) as stream:
            np.lib.format.write_array(stream, ends, allow_pickle=False)
    elif output is not None and output.suffix == ".json":
        write_json(output, value["pairs"])
    elif output is not None:
        write(output, pairs.draw(photos[0], photos[1]))

    def show(console: Console) -> None:
        text = f"{len(found[0])} and {len(found[1])} points, {matched} matches"
        console.print(text + (f", {len(pairs)} of them agree on one {agree}." if agree else "."), highlight=False)
        if output is None:
            console.print("Write them with -o matches.png.", markup=False)
        else:
            console.print(f"Look at {output}.", soft_wrap=True, markup=False)

    return Answer(value, show, json)
