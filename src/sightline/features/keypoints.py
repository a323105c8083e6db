"""What a detector of local features finds: places, sizes, directions and what each place looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array, PathLike

RADIUS = 3.0  # of a drawn circle, in scales
_SIDES = 24
_FIELDS = ("points", "scales", "angles", "descriptors", "responses")


@dataclass(frozen=True, eq=False)
class Features:
    """Local features of one image.

    Parameters
    ----------
    points
        N×2 float32 (x, y) in pixels of the image; (0, 0) is the centre of the top-left pixel.
    scales
        N float32: sigma of the blur at which each was found, in pixels of the image. For detectors of fixed size on a
        pyramid, how many pixels of the image one pixel of the level is. (OpenCV's ``size`` of a SIFT keypoint is two
        sigma.)
    angles
        N float32 radians from 0 to 2π, from the x axis towards the y axis (clockwise on the screen); 0 where a
        detector finds none.
    descriptors
        N×D float32, or N×B uint8 for binary ones, packed eight bits a byte; None when only places were sought.
    responses
        N float32: how strongly the detector answered; larger is better.
    """

    points: Array
    scales: Array
    angles: Array
    descriptors: Array | None
    responses: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", np.ascontiguousarray(self.points, np.float32).reshape(-1, 2))
        for name in ("scales", "angles", "responses"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float32))
        codes = self.descriptors
        if codes is not None and not (
            isinstance(codes, np.ndarray) and codes.ndim == 2 and codes.dtype.name in ("float32", "uint8")
        ):
            raise InputError(f"Features: descriptors must be N×D float32 or N×B uint8; got {describe(codes)}.")
        lengths = [len(part) for name in _FIELDS if (part := getattr(self, name)) is not None]
        if len(set(lengths)) > 1 or self.scales.ndim != 1:
            raise InputError(f"Features: points, scales, angles … must be of one length; got {lengths}.")

    @property
    def is_binary(self) -> bool:
        """Whether the descriptors are packed bits, compared by the number of bits that differ."""
        return self.descriptors is not None and self.descriptors.dtype == np.uint8

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Features:
        """Select by number, slice, index array or bool mask: ``found[found.scales > 4]``."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        codes = None if self.descriptors is None else self.descriptors[rows]
        return Features(self.points[rows], self.scales[rows], self.angles[rows], codes, self.responses[rows])

    def best(self, count: int) -> Features:
        """Return the ``count`` with the strongest responses, the strongest first."""
        return self[np.argsort(-self.responses, kind="stable")[:count]]

    def outlines(self, radius: float = RADIUS) -> Array:
        """Return a circle and a hand in its direction around each feature, as (N·25)×4 float32 segments.

        Parameters
        ----------
        radius
            Of a circle, in scales.
        """
        turns = self.angles[:, None] + np.linspace(0, 2 * np.pi, _SIDES + 1, dtype=np.float32)
        reach = (self.scales * np.float32(radius))[:, None, None]
        rim = self.points[:, None] + reach * np.stack([np.cos(turns), np.sin(turns)], axis=2)
        hands = np.concatenate([self.points[:, None], rim[:, :1]], axis=2)
        return np.concatenate([np.concatenate([rim[:, :-1], rim[:, 1:]], axis=2), hands], axis=1).reshape(-1, 4)

    def draw(self, image: Array) -> Array:
        """Return a copy of ``image`` (H×W or H×W×3) with a circle of three scales and a hand on each feature."""
        canvas = Canvas(image)
        canvas.width = max(1, canvas.width // 2)
        segments = self.outlines().reshape(len(self), _SIDES + 1, 4)
        for i, lines in enumerate(segments):
            canvas.line(np.concatenate([lines[-1:, :2], lines[:-1, :2], lines[-2:-1, 2:]]), colour_of(i))
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a feature; descriptors stay in :meth:`save`."""
        return [
            {"x": float(x), "y": float(y), "scale": float(scale), "angle": float(angle), "response": float(response)}
            for (x, y), scale, angle, response in zip(
                self.points, self.scales, self.angles, self.responses, strict=True
            )
        ]

    def save(self, path: PathLike) -> str:
        """Write everything to an ``.npz`` archive; return the file's SHA-256."""
        return write_arrays(path, {name: part for name in _FIELDS if (part := getattr(self, name)) is not None})

    @classmethod
    def load(cls, path: PathLike) -> Features:
        """Read an archive that :meth:`save` wrote; nothing in it is executed.

        Parameters
        ----------
        path
            The file. :class:`FormatError` is raised when it is none, or damaged.
        """
        with read_arrays("Features.load", path, "an archive of features") as held:
            return cls(held["points"], held["scales"], held["angles"], held.get("descriptors"), held["responses"])


def no_features(width: int = 0) -> Features:
    """Return an empty record; with ``width`` > 0, with descriptors of so many float32."""
    none = np.zeros(0, np.float32)
    return Features(np.zeros((0, 2)), none, none, np.zeros((0, width), np.float32) if width else None, none)
