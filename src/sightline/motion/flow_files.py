"""Files of optical flow: Middlebury's ``.flo`` and KITTI's 16-bit ``.png``, read and written.

Baker, Scharstein, Lewis, Roth, Black & Szeliski 2011, "A Database and Evaluation Methodology for Optical Flow", IJCV
92(1); Menze & Geiger 2015, "Object Scene Flow for Autonomous Vehicles", CVPR.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.files import write_bytes
from sightline.core.types import Array, Flow, PathLike
from sightline.image.decode import MAX_PIXELS
from sightline.image.read import read
from sightline.image.write import write

_MAGIC = b"PIEH"  # the bytes of the float 202021.25
_UNKNOWN = 1e9  # .flo: a larger number says that the flow is not known
_SCALE, _ZERO = 64.0, 32768.0  # KITTI: (value - 32768) / 64 pixels


@method(task="files", paper="Baker 2011", lesson="w3d6", example={"path": "flow10.flo"})
def read_flow(path: PathLike) -> Float32[np.ndarray, "h w 2"]:
    """Read optical flow from a file.

    Parameters
    ----------
    path
        ``.flo`` (Middlebury), a ``.zip`` that holds one ``.flo``, or a 16-bit ``.png`` (KITTI).

    Returns
    -------
    ndarray
        H×W×2 float32 (dx, dy) in pixels; NaN where the file says that it is not known.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When the file is of another kind, or damaged.

    References
    ----------
    S. Baker, D. Scharstein, J. P. Lewis, S. Roth, M. J. Black, R. Szeliski, "A Database and Evaluation Methodology for
    Optical Flow", International Journal of Computer Vision 92(1), 2011.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder) / "one.flo"
    ...     write_flow(target, np.full((2, 3, 2), 0.5, np.float32))
    ...     read_flow(target).shape
    (2, 3, 2)
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"read_flow: path must be a path; got {describe(path)}.")
    target = Path(path)
    if not target.is_file():
        raise MissingFileError(f"read_flow: '{target}' does not exist.")
    if target.suffix.lower() == ".png":
        return _from_kitti(target)
    if target.suffix.lower() == ".zip":
        return _from_flo(target, _only_flo(target))
    return _from_flo(target, target.read_bytes())


@method(
    task="files",
    paper="Baker 2011",
    lesson="w3d6",
    example={"path": "flow.flo", "flow": np.zeros((2, 3, 2), np.float32)},
)
def write_flow(path: PathLike, flow: Flow) -> None:
    """Write optical flow to a file, whole or not at all. NaN and infinity are written as not known.

    Parameters
    ----------
    path
        ``.flo`` (Middlebury, every bit kept) or ``.png`` (KITTI: 16 bits, steps of 1/64 pixel, -512 to 511.98).
    flow
        H×W×2 float32 (dx, dy) in pixels.

    Raises
    ------
    InputError
        When the flow is no H×W×2 floats, too long for KITTI's format, or the suffix is unknown.

    References
    ----------
    M. Menze, A. Geiger, "Object Scene Flow for Autonomous Vehicles", CVPR, 2015.

    Examples
    --------
    >>> write_flow("flow.gif", np.zeros((2, 3, 2), np.float32))
    Traceback (most recent call last):
    sightline.core.errors.InputError: write_flow: path must end in .flo or .png; got 'flow.gif'.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"write_flow: path must be a path; got {describe(path)}.")
    flow = as_flow("write_flow", flow)
    target = Path(path)
    known = np.asarray(np.isfinite(flow).all(axis=2))
    if target.suffix.lower() == ".flo":
        height, width = known.shape
        values = np.where(known[..., None], flow, np.float32(1e10)).astype("<f4")
        write_bytes(target, _MAGIC + np.array([width, height], "<i4").tobytes() + values.tobytes())
    elif target.suffix.lower() == ".png":
        levels = np.rint(np.where(known[..., None], flow, 0).astype(np.float64) * _SCALE + _ZERO)
        if levels.min() < 0 or levels.max() > 65535:
            longest = float(np.abs(flow[known]).max())
            raise InputError(
                f"write_flow: flow must lie between -512 and 511.98 pixels in a .png; got {longest:.1f}. Use .flo."
            )
        write(target, np.dstack([levels, known]).astype(np.uint16))
    else:
        raise InputError(f"write_flow: path must end in .flo or .png; got '{target.name}'.")


def as_flow(function: str, flow: Any, argument: str = "flow") -> Array:
    """Return flow as contiguous H×W×2 float32, or raise :class:`InputError`."""
    if not isinstance(flow, np.ndarray) or flow.ndim != 3 or flow.shape[2] != 2 or flow.dtype.kind != "f":
        raise InputError(f"{function}: {argument} must be H×W×2 float32 (dx, dy); got {describe(flow)}.")
    if flow.size == 0:
        raise InputError(f"{function}: {argument} must hold at least one pixel; got {describe(flow)}.")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(flow, np.float32)


def _only_flo(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [item for item in archive.infolist() if item.filename.lower().endswith(".flo")]
            if len(names) != 1:
                raise FormatError(f"read_flow: '{path}' must hold one .flo file; got {len(names)}.")
            if names[0].file_size > 8 * MAX_PIXELS + 12:
                raise FormatError(f"read_flow: '{path}' declares {names[0].file_size:,} bytes, more than a picture's.")
            return archive.read(names[0])
    except (zipfile.BadZipFile, io.UnsupportedOperation, NotImplementedError, RuntimeError, OSError) as error:
        raise FormatError(f"read_flow: '{path}' is damaged: {error}.") from error


def _from_flo(path: Path, data: bytes) -> Array:
    if data[:4] != _MAGIC:
        raise FormatError(f"read_flow: '{path}' is no .flo file: it must begin with PIEH; got {data[:4]!r}.")
    width, height = (int(value) for value in np.frombuffer(data[4:12].ljust(8, b"\0"), "<i4"))
    wanted = 12 + 8 * width * height
    if width < 1 or height < 1 or len(data) != wanted:
        raise FormatError(
            f"read_flow: '{path}' is damaged: {width}×{height} pixels are {wanted:,} bytes; got {len(data):,}."
        )
    flow = np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2).astype(np.float32)
    flow[~(np.abs(flow) <= _UNKNOWN).all(axis=2)] = np.nan
    return flow


def _from_kitti(path: Path) -> Array:
    levels = read(path)
    if levels.dtype != np.uint16 or levels.ndim != 3 or levels.shape[2] != 3:
        raise FormatError(f"read_flow: '{path}' must be a 16-bit RGB picture; got {describe(levels)}.")
    flow = ((levels[..., :2].astype(np.float32) - np.float32(_ZERO)) / np.float32(_SCALE)).astype(np.float32)
    flow[levels[..., 2] == 0] = np.nan
    return flow
