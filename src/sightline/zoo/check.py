"""Check public weights on this machine: is the file the published one, and does every tensor have its place?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.core.errors import WeightsError
from sightline.core.files import sha256_of
from sightline.zoo.fetch import place_of
from sightline.zoo.load import load_weights
from sightline.zoo.pretrained import build
from sightline.zoo.table import entry


@dataclass(frozen=True)
class Checked:
    """What was found out about public weights.

    Parameters
    ----------
    name
        Name in the zoo.
    path
        The file; None when there is none on this machine.
    sha256
        Its digest, 64 hexadecimal digits; empty when there is none.
    problem
        What is wrong in one sentence; empty when nothing is.
    """

    name: str
    path: Path | None
    sha256: str = ""
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the file is here, the published one, and fits its network."""
        return not self.problem

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        path = None if self.path is None else str(self.path)
        return {"name": self.name, "path": path, "sha256": self.sha256, "problem": self.problem}


def check(name: str) -> Checked:
    """Check the file of public weights: its digest, and each tensor's name and shape. Nothing is fetched.

    Parameters
    ----------
    name
        Name in the zoo, for example ``"resnet50-imagenet"``.

    Returns
    -------
    Checked
        With ``path``, ``sha256`` and ``problem``.

    Raises
    ------
    InputError
        When the zoo has no such name.
    """
    wanted, path = entry(name), place_of(name)
    if path is None:
        return Checked(name, None, problem=f"check: '{wanted.file_name}' is not on this machine.")
    digest = sha256_of(path)
    if not digest.startswith(wanted.sha256):
        told = f"its SHA-256 begins with {digest[: len(wanted.sha256)]}; expected {wanted.sha256}"
        return Checked(name, path, digest, f"check: '{path}' is not the published file: {told}.")
    try:
        load_weights(build(name), path, naming=wanted.naming)
    except WeightsError as error:
        return Checked(name, path, digest, str(error))
    return Checked(name, path, digest)
