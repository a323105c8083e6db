"""Regions: size, place, direction, outline and brightness of every part of a label map.

Haralick & Shapiro 1992, "Computer and Robot Vision", volume 1, chapter 2: properties of connected components, here
from the runs of equal labels in each row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int32

from sightline.core.canvas import Canvas, colour_of
from sightline.core.catalogue import method
from sightline.core.checks import as_image, contiguous, describe
from sightline.core.errors import InputError
from sightline.core.types import Array, Gray, Labels
from sightline.image import region_shape as shape
from sightline.image.region_runs import Runs, runs_of_regions

_AT_ONCE = 1 << 13  # regions whose properties are listed together, before each becomes a record
_INTENSITIES = ("mean_intensity", "min_intensity", "max_intensity", "weighted_centroid")


@dataclass(frozen=True)
class Region:
    """The pixels of one label, and what they measure; lengths in pixels, areas in pixels.

    Parameters
    ----------
    label
        Their number in the label map.
    area
        How many they are.
    box
        (x1, y1, x2, y2), the edges of the smallest box around them.
    centroid
        (x, y), their mean.
    extent
        Share of the box that they fill, 0–1.
    orientation
        Angle of the long axis in radians from the x axis towards y (with the clock as one sees the picture), in [0, π);
        0 when no direction is the longest. π/2 less the angle of scikit-image, which counts from the y axis.
    major_axis, minor_axis
        Length of the axes of the ellipse with the same second moments.
    eccentricity
        Of that ellipse: 0 for a circle, 1 for a line.
    perimeter
        Length of the outline and of those of the holes, through the centres of the border pixels.
    euler_number
        Pieces less holes (8 neighbours).
    convex_area
        Pixels of the convex hull.
    solidity
        Share of the hull that they fill, 0–1.
    equivalent_diameter
        Diameter of a disc of that area.
    filled_area
        Area with the holes filled.
    mean_intensity, min_intensity, max_intensity
        Of the image's values; None without an image.
    weighted_centroid
        (x, y), their mean weighted by the image's values; NaN where all of these are 0; None without an image.
    runs
        R×3 int32, the pixels row by row: y, the first x, and the x after the last.
    """

    label: int
    area: int
    box: tuple[int, int, int, int]
    centroid: tuple[float, float]
    extent: float
    orientation: float
    major_axis: float
    minor_axis: float
    eccentricity: float
    perimeter: float
    euler_number: int
    convex_area: int
    solidity: float
    equivalent_diameter: float
    filled_area: int
    mean_intensity: float | None = None
    min_intensity: float | None = None
    max_intensity: float | None = None
    weighted_centroid: tuple[float, float] | None = None
    runs: Int32[np.ndarray, "r 3"] = field(default_factory=lambda: np.empty((0, 3), np.int32), repr=False)

    @property
    def mask(self) -> Array:
        """Bool array of the size of the box, true on the region: ``image[y1:y2, x1:x2][region.mask]``."""
        x1, y1, x2, y2 = self.box
        mask = np.zeros((y2 - y1, x2 - x1), np.bool_)
        for y, start, stop in self.runs.tolist():
            mask[y - y1, start - x1 : stop - x1] = True
        return mask

    def draw(self, image: Array) -> Array:
        """Return a copy of ``image`` (H×W or H×W×3) with the region tinted, in its box with its label."""
        canvas = Canvas(image)
        height, width = canvas.image().shape[:2]
        x1, y1, x2, y2 = self.box
        if x2 > width or y2 > height:
            raise InputError(f"Region: image must be at least {y2}×{x2}, as far as the region; got {describe(image)}.")
        mask = np.zeros((height, width), np.bool_)
        mask[y1:y2, x1:x2] = self.mask
        canvas.mask(mask, colour_of(self.label))
        canvas.box(self.box, colour_of(self.label), str(self.label))
        return canvas.image()


@method(task="shape", paper="Haralick 1992", lesson="w1d5")
def regions(labels: Labels, image: Gray | None = None) -> list[Region]:
    """Return what the regions of a label map measure, one record for every label ≥ 1 that occurs, in rising order.

    A region need not be connected. NaN and infinity in the image are refused.

    Parameters
    ----------
    labels
        H×W int32, as :func:`label` makes it; 0 and negative numbers are background.
    image
        H×W uint8, uint16 or float32, for the intensities; None leaves these out.

    Returns
    -------
    regions
        List of :class:`Region`.

    References
    ----------
    R. M. Haralick and L. G. Shapiro, "Computer and Robot Vision", volume 1, Addison-Wesley, 1992.
    K. Benkrid and D. Crookes, "Design and FPGA Implementation of a Perimeter Estimator", IMVIP, 2000.

    Examples
    --------
    >>> labels = np.array([[1, 1, 0, 0], [1, 1, 0, 2], [0, 0, 0, 2]], np.int32)
    >>> [(r.label, r.area, r.box, r.centroid) for r in regions(labels)]
    [(1, 4, (0, 0, 2, 2), (0.5, 0.5)), (2, 2, (3, 1, 4, 3), (3.0, 1.5))]
    """
    if (
        not isinstance(labels, np.ndarray)
        or labels.ndim != 2
        or labels.dtype.newbyteorder("=") != np.int32
        or not labels.size
    ):
        hint = " Use labels.astype(np.int32)." if isinstance(labels, np.ndarray) and labels.dtype.kind in "iu" else ""
        raise InputError(f"regions: labels must be H×W int32; got {describe(labels)}.{hint}")
    labels = contiguous(labels)
    values = None
    if image is not None:
        values = as_image("regions", image, channels=(1,), finite=True)
        if values.shape != labels.shape:
            shown = "×".join(map(str, labels.shape))
            raise InputError(f"regions: image must have the labels' shape {shown}; got {describe(image)}.")
    runs = runs_of_regions(labels, values)
    records: list[Region] = []
    for first in range(0, len(runs.labels), _AT_ONCE):
        some = runs.part(first, first + _AT_ONCE)
        records += _records(_columns(some, shape.shapes_of(some), values is not None), some)
    return records


def _columns(runs: Runs, table: Array, lit: bool) -> dict[str, list]:
    """Return a list of each property, by its name."""
    whole = table[:, [shape.X1, shape.Y1, shape.X2, shape.Y2, shape.AREA, shape.EULER, shape.CONVEX, shape.ENCLOSED]]
    whole = whole.astype(np.int64)
    area, euler, convex, enclosed = whole[:, 4:].T
    xx, xy, yy = table[:, [shape.XX, shape.XY, shape.YY]].T / area
    middle, apart = (xx + yy) / 2, np.hypot(xx - yy, 2 * xy) / 2
    long, short = np.maximum(middle + apart, 0), np.maximum(middle - apart, 0)
    flat = short / np.where(long > 0, long, 1)
    columns = {
        "label": runs.labels,
        "area": area,
        "extent": area / ((whole[:, 2] - whole[:, 0]) * (whole[:, 3] - whole[:, 1])),
        "orientation": np.arctan2(2 * xy, xx - yy) / 2 % np.pi,
        "major_axis": 4 * np.sqrt(long),
        "minor_axis": 4 * np.sqrt(short),
        "eccentricity": np.where(long > 0, np.sqrt(1 - flat), 0),
        "perimeter": runs.edges @ np.array([1, np.sqrt(2), (1 + np.sqrt(2)) / 2]),
        "euler_number": euler,
        "convex_area": convex,
        "solidity": area / convex,
        "equivalent_diameter": np.sqrt(4 * area / np.pi),
        "filled_area": area + enclosed,
    }
    listed: dict[str, list] = {name: column.tolist() for name, column in columns.items()}
    listed["box"] = list(map(tuple, whole[:, :4].tolist()))
    listed["centroid"] = _pairs(table[:, shape.SUM_X] / area, table[:, shape.SUM_Y] / area)
    if lit:
        mass, x, y, least, most = runs.light.T
        listed["mean_intensity"] = (mass / area).tolist()
        listed["min_intensity"], listed["max_intensity"] = least.tolist(), most.tolist()
        mass = np.where(mass == 0, np.nan, mass)
        listed["weighted_centroid"] = _pairs(x / mass, y / mass)
    return listed


def _pairs(x: Array, y: Array) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _records(columns: dict[str, list], runs: Runs) -> list[Region]:
    """Return the records; they are filled in at one go, as there may be many thousands."""
    names = [*columns, *(name for name in _INTENSITIES if name not in columns), "runs"]
    none = [None] * len(runs.labels)
    bounds, firsts = runs.bounds, runs.firsts.tolist()
    lists = [columns.get(name, none) for name in names[:-1]]
    records = []
    for start, stop, *values in zip(firsts, firsts[1:], *lists, strict=False):
        record = object.__new__(Region)
        record.__dict__.update(zip(names, (*values, bounds[start:stop]), strict=True))
        records.append(record)
    return records
