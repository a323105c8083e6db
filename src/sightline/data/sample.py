"""The sample photos that come with the package, who made them, and one of them as an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sightline.core.errors import InputError, suggest
from sightline.core.types import Image
from sightline.image.read import read

_PHOTOS = Path(__file__).parent / "photos"


@dataclass(frozen=True)
class Sample:
    """A photo that comes with the package.

    Parameters
    ----------
    name
        What :func:`sample` calls it; after ``sample:`` in the lab.
    title
        What is on it.
    size
        Width and height in pixels.
    credit
        Who made it, and under which licence.
    file
        Its file name.
    """

    name: str
    title: str
    size: tuple[int, int]
    credit: str
    file: str

    @property
    def path(self) -> Path:
        """Its file."""
        return _PHOTOS / self.file

    def to_json(self) -> dict[str, object]:
        """Return the sample as plain JSON values."""
        width, height = self.size
        reference = f"sample:{self.name}"
        return {"ref": reference, "title": self.title, "width": width, "height": height, "credit": self.credit}


def _own(name: str, title: str, size: tuple[int, int]) -> Sample:
    return Sample(name, title, size, "drawn by the Sightline authors, Apache-2.0", f"{name}.jpg")


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample("cat", "Chelsea the cat", (451, 300), "Stefan van der Walt, CC0", "cat.jpg"),
        Sample("astronaut", "Eileen Collins", (480, 480), "NASA, public domain", "astronaut.jpg"),
        Sample("camera", "A man with a camera", (512, 512), "Lav Varshney, CC0", "camera.jpg"),
        Sample("coffee", "A cup of coffee", (600, 400), "Rachel Michetti, CC0", "coffee.jpg"),
        Sample(
            "coins",
            "Coins from Pompeii",
            (384, 303),
            "Brooklyn Museum, no known copyright restrictions",
            "coins.jpg",
        ),
        Sample("horse", "A horse", (400, 328), "Andreas Preuss, CC0", "horse.png"),
        Sample("rocket", "A rocket's launch", (640, 427), "SpaceX, public domain", "rocket.jpg"),
        Sample("retina", "A retina", (480, 480), "Mikael Häggström, CC0", "retina.jpg"),
        Sample("china", "The Summer Palace", (640, 427), "danielbuechele, CC BY 2.0", "china.jpg"),
        Sample("flower", "A flower", (640, 427), "vultilion, CC BY 2.0", "flower.jpg"),
        _own("page", "A page in uneven light", (480, 320)),
        _own("sheet", "A puzzle on a table", (512, 384)),
        _own("shapes", "Ellipses and discs", (420, 300)),
        _own("codes", "Codes to scan", (512, 384)),
        _own("road", "A road", (640, 360)),
    )
}


def sample(name: str, *, mode: str = "rgb") -> Image:
    """Return a photo that comes with the package, uint8.

    Parameters
    ----------
    name
        One of ``SAMPLES``: ``cat``, ``coins``, ``coffee``, ``page`` …
    mode
        ``rgb`` for H×W×3, ``gray`` for H×W, ``unchanged`` for what the file holds.

    Returns
    -------
    The photo, at most 640 pixels a side.

    Raises
    ------
    InputError
        When no photo has that name.

    Examples
    --------
    >>> sample("cat").shape
    (300, 451, 3)
    """
    if name not in SAMPLES:
        known = ", ".join(SAMPLES)
        raise InputError(f"sample: no photo is named '{name}'.{suggest(str(name), SAMPLES)} Known: {known}.")
    return read(SAMPLES[name].path, mode=mode)
