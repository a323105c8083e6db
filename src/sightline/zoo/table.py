"""The zoo's table: public weights by name, with address, digest, licence, pixel statistics and published accuracy."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, suggest

TABLE = Path(__file__).with_name("weights.toml")
CLASSES = Path(__file__).with_name("imagenet.txt")


@dataclass(frozen=True)
class Entry:
    """Public weights of one network.

    Parameters
    ----------
    name
        Name in the zoo.
    method
        The catalogued function that builds the network, ``field.name``.
    url
        Official address.
    sha256
        First digits of the file's SHA-256, 8 or more; empty where they are not known: such a file is not fetched.
    naming
        Whose names the file uses.
    licence
        As the publisher states it.
    source
        Who published it, and where it is described.
    resize, size
        What the shorter side of a picture became where it was evaluated, and the side of the centre crop after that, in
        pixels; 0 where nothing is cropped.
    mean, std
        Of the pixels in 0–1, one number for each channel.
    top1, top5
        Published accuracy on the ImageNet-1k validation set, in per cent; NaN for what does not classify.
    ap
        Published average precision of the boxes on COCO's val2017, in per cent; NaN for what does not detect.
    options
        Keyword arguments of the method.
    file
        Name of the file on this machine, where it is not that of the address. With a digest the file was converted from
        what ``url`` offers, and is looked for on this machine alone.
    """

    name: str
    method: str
    url: str
    sha256: str
    naming: str
    licence: str
    source: str
    resize: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int = 0
    top1: float = math.nan
    top5: float = math.nan
    ap: float = math.nan
    options: dict[str, Any] = field(default_factory=dict)
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; what is not known is null."""
        row = {item.name: getattr(self, item.name) for item in fields(self)}
        unknown = {name for name, value in row.items() if isinstance(value, float) and math.isnan(value)}
        return {name: None if name in unknown else value for name, value in row.items()}

    @property
    def classifies(self) -> bool:
        """Whether the network tells classes of pictures apart."""
        return self.method.startswith("classify.")

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in order, those of ImageNet-1k; empty for what does not classify."""
        return imagenet_classes() if self.classifies else ()

    @property
    def file_name(self) -> str:
        """Name of the file on this machine."""
        return self.file or self.url.rpartition("/")[2]


@lru_cache(maxsize=1)
def imagenet_classes() -> tuple[str, ...]:
    """Return the 1,000 names of ImageNet-1k, sorted by synset: the first word of each synset, made distinct."""
    return tuple(CLASSES.read_text("utf-8").splitlines())


@lru_cache(maxsize=1)
def entries() -> dict[str, Entry]:
    """Return the table, by name."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    common = table.pop("common")
    found = {}
    for name, given in table.items():
        row: dict[str, Any] = {**common, **given}
        row.update(name=name, mean=tuple(row["mean"]), std=tuple(row["std"]))
        found[name] = Entry(**row)
    return found


def entry(name: str) -> Entry:
    """Return one line of the table.

    Parameters
    ----------
    name
        Name in the zoo, for example ``"resnet50-imagenet"``.

    Examples
    --------
    >>> entry("resnet18-imagenet").top1
    69.758
    """
    try:
        return entries()[name]
    except KeyError:
        raise InputError(f"zoo: no weights are named '{name}'.{suggest(name, entries())}") from None
