"""Networks of one painting under the lab's root: which there are, and how one learns while a page looks on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightline.apply.painting import is_network, learning, networks, painted, small
from sightline.core.errors import DataError, FormatError, InputError
from sightline.data.naming import is_image_name
from sightline.data.sample import SAMPLES
from sightline.image.read import read
from sightline.lab.asks import PainterAsk
from sightline.lab.lab import Lab
from sightline.lab.making import Put
from sightline.lab.places import under
from sightline.serve.failures import RequestError
from sightline.serve.models import Ready
from sightline.serve.workers import Stop

_PAUSE = 1.0  # seconds from one look at the photo to the next: to paint it takes time from learning
_MOST = 20_000  # photos


def painters(root: Path) -> dict[str, Path]:
    """Return the networks of one painting under a root and in its runs by name; no link leads out."""
    root = root.resolve()
    found = networks(root, root / "runs")
    return {name: path for name, path in found.items() if path.resolve().is_relative_to(root)}


def file_of(root: Path, name: str) -> Path:
    """Return where a new network is kept, among the runs; refuse what is no name of a file, or is there already."""
    if not is_network(name) or "/" in name:
        raise InputError(f"imagine: a network of a painting must be named NAME.safetensors; got '{name}'.")
    path = under(root, f"runs/{name}")
    if path.exists() or name in painters(root):
        raise RequestError(409, f"imagine: '{name}' is there already. Take another name, or move it away.")
    return path


def learn(lab: Lab, judge: Ready, ask: PainterAsk, file: Path, stop: Stop, put: Put) -> None:
    """Learn one painting; the photo is put as the network paints it so far. What is learnt when it ends is kept.

    Parameters
    ----------
    lab, judge, ask
        Where pictures are, the classifier that judges, and what is asked.
    file
        Where the network is kept.
    stop, put
        Of :class:`~sightline.lab.making.Making`; beside the picture ``id``, the number of the step, ``of`` how many,
        the ``loss``, how many ``photos`` are learnt on, and ``left_out``, those that cannot be read.
    """
    photo, style = lab.pictures.get(ask.input).image, lab.pictures.get(ask.style).image
    photos, left_out = [], 0
    for one in _photos(lab, ask.photos):
        stop()
        if one is None:
            left_out += 1
        else:
            photos.append(small(one, ask.size))
    if not photos:
        raise DataError(f"imagine: folder '{ask.photos}' holds no photo that can be read.")
    options = {"iterations": ask.iterations, "style_weight": ask.style_weight, "width": ask.width, "seed": ask.seed}
    told = {"of": ask.iterations, "photos": len(photos), "left_out": left_out}
    net, looked = None, 0.0
    try:
        steps = learning(judge.copied(), style, photos, size=ask.size, **options)
        for step, (net, loss) in enumerate(steps, 1):
            if step in (1, ask.iterations) or time.monotonic() - looked > _PAUSE:
                put(painted(net, photo, ask.size), **told, id=step, loss=loss)
                looked = time.monotonic()
            stop()
    finally:
        if net is not None:
            file.parent.mkdir(exist_ok=True)
            net.eval().save(file)


def _photos(lab: Lab, folder: str) -> Iterator[np.ndarray | None]:
    """Yield the photos of a folder, None for one that cannot be read; without one, those of the package."""
    if not folder:
        yield from (lab.pictures.get(f"sample:{name}").image for name in SAMPLES)
        return
    place = under(lab.root, folder.removeprefix("file:"))
    if not place.is_dir():
        raise InputError(f"imagine: '{folder}' is no folder under the lab's root.")
    root = lab.root.resolve()
    files = sorted(path for path in place.rglob("*") if is_image_name(path.name) and path.is_file())
    for path in [path for path in files if path.resolve().is_relative_to(root)][:_MOST]:
        try:
            yield read(path)
        except FormatError:
            yield None
