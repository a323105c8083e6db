"""Writing frames: a video, an animation or a folder of numbered pictures, whole or not at all.

Encoding is FFmpeg's, through PyAV: H.264 (ITU-T H.264) in .mp4, .mov and .mkv, VP9 in .webm, Motion JPEG in .avi.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from PIL import Image as Pillow

from sightline.core.catalogue import method
from sightline.core.checks import IMAGE_DTYPES, as_image, describe, integer, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import DiskError, InputError, MissingFileError, require, suggest
from sightline.core.files import publish
from sightline.core.types import PathLike, Range
from sightline.image.write import write

# Container, encoder, pixel format, and the encoder's number for quality 1 and quality 100.
_VIDEO = {
    ".mp4": ("mp4", "libx264", "yuv420p", 45, 5),
    ".mov": ("mov", "libx264", "yuv420p", 45, 5),
    ".mkv": ("matroska", "libx264", "yuv420p", 45, 5),
    ".webm": ("webm", "libvpx-vp9", "yuv420p", 55, 10),
    ".avi": ("avi", "mjpeg", "yuvj420p", 31, 1),
}
_ANIMATION = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG"}


@method(
    task="files",
    paper="ITU-T H.264",
    lesson="w1d1",
    example={"path": "clip.gif", "images": [np.zeros((4, 6, 3), np.uint8)]},
)
def write_frames(
    path: PathLike,
    images: Iterable[np.ndarray],
    *,
    fps: Annotated[float, Range(0.1, 1000)] = 25.0,
    quality: Annotated[int, Range(1, 100)] = 75,
) -> int:
    """Write images as a video, an animation or a folder of pictures; return how many were written.

    The images are taken one at a time, so a generator that works on frames as they come is the usual argument. A file
    appears whole or not at all. Video has even sizes: an odd last column or row is repeated. In float images, NaN
    and infinity are refused.

    Parameters
    ----------
    path
        ``.mp4 .mov .mkv`` (H.264), ``.webm`` (VP9), ``.avi`` (Motion JPEG), ``.gif .webp .png .apng`` (animations),
        or a name without a suffix: a folder, which is made, for ``000000.png``, ``000001.png`` …
    images
        H×W or H×W×3 each, all of one shape; uint8, uint16, float32 or bool.
    fps
        Frames per second; 0.1–1000.
    quality
        Of a video, 1 (small) to 100 (close to the original).

    Returns
    -------
    int
        Number of frames.

    Raises
    ------
    InputError
        When there is no image, the suffix is unknown, or an image has another shape than the first.
    DiskError
        When the disk is full or the folder may not be written to.
    MissingExtraError
        When a video is asked for and PyAV is not installed.

    References
    ----------
    ITU-T Recommendation H.264, "Advanced video coding for generic audiovisual services", 2021.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, sightline as sl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder) / "fade.gif"
    ...     count = sl.image.write_frames(target, (np.full((4, 6), v, np.uint8) for v in (0, 90, 180)), fps=10)
    ...     [int(frame[0, 0, 0]) for frame in sl.image.frames(target)]
    [0, 90, 180]
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"write_frames: path must be a path; got {describe(path)}.")
    number("write_frames", "fps", fps, 0.1, 1000)
    integer("write_frames", "quality", quality, 1, 100)
    target = Path(path)
    suffix = kind_of(target)
    pictures = _alike(images)
    if not suffix:
        return _write_folder(target, pictures)
    first = next(pictures, None)
    if first is None:
        raise InputError("write_frames: images must hold at least one image; got none.")
    return _write_file(target, suffix, first, pictures, fps, quality)


def kind_of(path: Path) -> str:
    """Return a film's suffix in small letters, empty for a folder; raise where no film can be written so.

    Parameters
    ----------
    path
        File or folder that is to be written.
    """
    suffix = path.suffix.lower()
    if suffix not in ("", *_VIDEO, *_ANIMATION):
        listed = " ".join((*_VIDEO, *_ANIMATION))
        raise InputError(
            f"write_frames: path must be a folder or end in one of {listed}; got '{suffix}'."
            f"{suggest(suffix, (*_VIDEO, *_ANIMATION))}"
        )
    return suffix


def _alike(images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the images as H×W×3 uint8, and refuse one of another shape than the first."""
    shape: tuple[int, ...] | None = None
    if not isinstance(images, Iterable):
        raise InputError(f"write_frames: images must be a sequence of images; got {describe(images)}.")
    for index, image in enumerate(images):
        pixels = as_image("write_frames", image, channels=(1, 3), dtypes=("bool", *IMAGE_DTYPES))
        if shape is not None and pixels.shape[:2] != shape:
            raise InputError(
                f"write_frames: images must all be {shape[0]}×{shape[1]} like the first; got {describe(pixels)} as "
                f"number {index}. Resize it."
            )
        shape = pixels.shape[:2]
        if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
            raise InputError(f"write_frames: images must be finite; got NaN or infinity in number {index}.")
        eight = pixels.astype(np.uint8) * np.uint8(255) if pixels.dtype == np.bool_ else to_uint8(pixels)
        yield np.repeat(eight[..., None], 3, axis=2) if eight.ndim == 2 else eight


def _write_folder(folder: Path, pictures: Iterator[np.ndarray]) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"write_frames: folder '{folder}' cannot be made: {error.strerror}.") from error
    count = 0
    for picture in pictures:
        write(folder / f"{count:06d}.png", picture)
        count += 1
    if count == 0:
        raise InputError("write_frames: images must hold at least one image; got none.")
    return count


def _write_file(
    target: Path, suffix: str, first: np.ndarray, others: Iterator[np.ndarray], fps: float, quality: int
) -> int:
    if not target.parent.is_dir():
        raise MissingFileError(f"write_frames: folder '{target.parent}' does not exist.")
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise DiskError(f"write_frames: '{target}' cannot be written: {error.strerror}.") from error
    part = Path(name)
    try:
        encode = _encode_video if suffix in _VIDEO else _encode_animation
        count = encode(part, suffix, first, others, fps, quality)
        part.chmod(0o644)
        publish(part, target)
    except OSError as error:
        raise DiskError(f"write_frames: '{target}' cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def _encode_video(
    part: Path, suffix: str, first: np.ndarray, others: Iterator[np.ndarray], fps: float, quality: int
) -> int:
    av = require("av")
    container_name, codec, pixel_format, worst, best = _VIDEO[suffix]
    height, width = (size + size % 2 for size in first.shape[:2])
    level = round(worst + (best - worst) * (quality - 1) / 99)
    count = 0
    with av.open(str(part), "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        if codec == "mjpeg":
            stream.codec_context.qmin = stream.codec_context.qmax = level
        else:
            # veryfast: of libx264's time for its default preset 40 %, at the same size 0.3 dB less
            more = {"b": "0"} if codec == "libvpx-vp9" else {"preset": "veryfast"}
            stream.options = {"crf": str(level)} | more
        for picture in _and_then(first, others):
            even = np.pad(picture, ((0, height - len(picture)), (0, width - picture.shape[1]), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")))
            count += 1
        container.mux(stream.encode(None))
    return count


def _encode_animation(
    part: Path, suffix: str, first: np.ndarray, others: Iterator[np.ndarray], fps: float, quality: int
) -> int:
    count = 1

    def rest() -> Iterator[Any]:
        nonlocal count
        for picture in others:
            count += 1
            yield Pillow.fromarray(picture)

    options: dict[str, Any] = {"quality": quality} if suffix == ".webp" else {}
    # of a PNG, the writer goes through the pictures twice
    more = list(rest()) if _ANIMATION[suffix] == "PNG" else rest()
    Pillow.fromarray(first).save(
        part, _ANIMATION[suffix], save_all=True, append_images=more, duration=round(1000 / fps), loop=0, **options
    )
    return count


def _and_then(first: np.ndarray, others: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from others
