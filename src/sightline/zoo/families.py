"""Families of networks whose names elsewhere are data: `families.toml` says how each of our keys is spelled there.

A family is known by its keys. Each naming is a list of replacements, done one after the other; where a library keeps
a matrix in another shape, or the colours in another order, the table says that too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from torch import Tensor

_BLOCK = re.compile(r"body\.stages\.(\d+)\.(\d+)")
TABLE = Path(__file__).with_name("families.toml")


@dataclass(frozen=True)
class Naming:
    """How one library keeps a family's tensors.

    Parameters
    ----------
    rename
        Pairs of a pattern and its replacement, in order; ``{1+2}`` is the number of group 1 plus 2.
    flat
        Whether blocks are counted through all stages: ``body.stages.2.1`` is then renamed as ``flat.5.stage.2``, when
        five blocks stand before it.
    shapes
        By pattern over our key: the shape that the library gives the same numbers; 0 is our length of that axis, -1
        is what is left.
    bgr
        Patterns of our keys whose second axis is blue, green, red there.
    """

    rename: tuple[tuple[str, str], ...] = ()
    flat: bool = False
    shapes: dict[str, list[int]] = field(default_factory=dict)
    bgr: tuple[str, ...] = ()

    def spell(self, keys: Iterable[str]) -> dict[str, str]:
        """Return what the library calls each of our keys."""
        keys = list(keys)
        places = sorted({(int(found[1]), int(found[2])) for key in keys if (found := _BLOCK.match(key))})
        count = {f"body.stages.{stage}.{block}": n for n, (stage, block) in enumerate(places)} if self.flat else {}
        return {key: self._spell(key, count) for key in keys}

    def _spell(self, key: str, count: dict[str, int]) -> str:
        found = _BLOCK.match(key)
        if found and found[0] in count:
            key = f"flat.{count[found[0]]}.stage.{found[1]}{key[found.end() :]}"
        for pattern, spelling in self.rename:
            key = re.sub(pattern, lambda match, spelling=spelling: _expand(match, spelling), key)
        return key

    def outward(self, key: str, tensor: Tensor) -> Tensor:
        """Return one of our tensors as the library keeps it."""
        return self._turned(key, tensor).reshape(self.shape(key, tensor))

    def inward(self, key: str, tensor: Tensor, ours: Tensor) -> Tensor:
        """Return a tensor of the library in our shape and order."""
        return self._turned(key, tensor.reshape(ours.shape))

    def shape(self, key: str, ours: Tensor) -> tuple[int, ...]:
        """Return the shape that the library gives one of our tensors."""
        wanted = next((shape for pattern, shape in self.shapes.items() if re.fullmatch(pattern, key)), None)
        if wanted is None:
            return tuple(ours.shape)
        return tuple(ours.reshape([length or ours.shape[axis] for axis, length in enumerate(wanted)]).shape)

    def _turned(self, key: str, tensor: Tensor) -> Tensor:
        return tensor.flip(1) if any(re.fullmatch(pattern, key) for pattern in self.bgr) else tensor


AS_OURS = Naming()


@dataclass(frozen=True)
class Family:
    """Networks with the same kinds of keys.

    Parameters
    ----------
    keys
        Pattern that every key of the family matches, and no key of another one.
    namings
        By library.
    """

    keys: re.Pattern[str]
    namings: dict[str, Naming]


def naming_of(keys: Iterable[str], naming: str) -> Naming:
    """Return how a library keeps the tensors with these keys; as we do, where it does not know them.

    Parameters
    ----------
    keys
        All keys of one of our state dicts.
    naming
        The library.
    """
    keys = list(keys)
    for family in _families():
        if keys and all(family.keys.fullmatch(key) for key in keys):
            return family.namings.get(naming, AS_OURS)
    return AS_OURS


@lru_cache(maxsize=1)
def _families() -> list[Family]:
    found = []
    table = tomllib.loads(TABLE.read_text("utf-8"))
    shared = table.pop("shared")
    for row in table.values():
        pattern = re.compile("|".join(row.pop("keys")))
        namings = {}
        for names, given in row.items():  # several libraries may share a spelling: "torchvision timm"
            pairs = (*given.get("rename", ()), *shared.get(given.get("then", ""), ()))
            rename = tuple((pair[0], pair[1]) for pair in pairs)
            one = Naming(rename, given.get("flat", False), given.get("shapes", {}), tuple(given.get("bgr", ())))
            namings.update(dict.fromkeys(names.split(), one))
        found.append(Family(pattern, namings))
    return found


def _expand(match: re.Match[str], spelling: str) -> str:
    counted = re.sub(r"\{(\d)([+-]\d+)\}", lambda part: str(int(match[int(part[1])]) + int(part[2])), spelling)
    return match.expand(counted)
