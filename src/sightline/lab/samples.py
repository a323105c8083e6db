"""The sample photos that come with the package, and who made them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

_HERE = Path(str(resources.files("sightline")))


@dataclass(frozen=True)
class Sample:
    """A photo that comes with the package.

    Parameters
    ----------
    name
        After ``sample:`` in its reference.
    title
        What is on it.
    size
        Width and height in pixels.
    credit
        Who made it, and under which licence.
    file
        Its path within the package.
    """

    name: str
    title: str
    size: tuple[int, int]
    credit: str
    file: str

    @property
    def path(self) -> Path:
        """Its file."""
        return _HERE / self.file

    def to_json(self) -> dict[str, object]:
        """Return the sample as plain JSON values."""
        width, height = self.size
        reference = f"sample:{self.name}"
        return {"ref": reference, "title": self.title, "width": width, "height": height, "credit": self.credit}


def _own(name: str, title: str, size: tuple[int, int]) -> Sample:
    return Sample(name, title, size, "drawn by the Sightline authors, Apache-2.0", f"lab/samples/{name}.jpg")


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample("cat", "Chelsea the cat", (451, 300), "Stefan van der Walt, CC0", "cli/samples/chelsea.jpg"),
        Sample("astronaut", "Eileen Collins", (480, 480), "NASA, public domain", "lab/samples/astronaut.jpg"),
        Sample("camera", "A man with a camera", (512, 512), "Lav Varshney, CC0", "lab/samples/camera.jpg"),
        Sample("coffee", "A cup of coffee", (600, 400), "Rachel Michetti, CC0", "lab/samples/coffee.jpg"),
        Sample(
            "coins",
            "Coins from Pompeii",
            (384, 303),
            "Brooklyn Museum, no known copyright restrictions",
            "lab/samples/coins.jpg",
        ),
        Sample("horse", "A horse", (400, 328), "Andreas Preuss, CC0", "lab/samples/horse.png"),
        Sample("rocket", "A rocket's launch", (640, 427), "SpaceX, public domain", "lab/samples/rocket.jpg"),
        Sample("retina", "A retina", (480, 480), "Mikael Häggström, CC0", "lab/samples/retina.jpg"),
        Sample("china", "The Summer Palace", (640, 427), "danielbuechele, CC BY 2.0", "lab/samples/china.jpg"),
        Sample("flower", "A flower", (640, 427), "vultilion, CC BY 2.0", "lab/samples/flower.jpg"),
        _own("page", "A page in uneven light", (480, 320)),
        _own("sheet", "A puzzle on a table", (512, 384)),
        _own("shapes", "Ellipses and discs", (420, 300)),
        _own("codes", "Codes to scan", (512, 384)),
        _own("road", "A road", (640, 360)),
    )
}
