"""Where frames come from: video files, cameras, streams, animated pictures, folders, patterns and arrays."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.checks import as_image, describe
from sightline.core.errors import DataError, FormatError, InputError, MissingFileError, SightlineError, require
from sightline.image import signature
from sightline.image.decode import decode
from sightline.image.pages import decode_pages
from sightline.image.source import name_of, open_source, reason_of

Moment = tuple[float | None, np.ndarray]  # seconds since the start, and the picture as H×W×3 (or as it was given)

PICTURES = (".png", ".apng", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".ppm", ".pgm", ".pnm")
_CAMERA = re.compile(r"(?:webcam|camera)(?::(\d+))?|/dev/video(\d+)")
_LIVE = ("rtsp", "rtmp", "udp", "rtp", "srt", "tcp")
# Containers of video alone: playlists, which name other files and addresses, are not opened.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,ogg,m4v,h264,hevc,ivf,mxf,nut,"
    "yuv4mpegpipe,mjpeg"
)


@dataclass(frozen=True)
class Clip:
    """An opened source.

    Parameters
    ----------
    name
        What it is called in sentences.
    moments
        The frames in order.
    fps
        Frames per second, 0 where nobody says.
    count
        How many frames there are, None where that is not known.
    live
        Whether frames come at their own pace, and are lost when nobody takes them.
    close
        Lets go of the file or the device.
    """

    name: str
    moments: Iterator[Moment]
    fps: float = 0.0
    count: int | None = None
    live: bool = False
    close: Callable[[], None] = lambda: None


def open_clip(source: Any, max_pixels: int) -> Clip:
    """Open whatever ``source`` is, as :func:`sightline.image.frames` describes it."""
    if isinstance(source, int) and not isinstance(source, bool):
        return _camera(source)
    if isinstance(source, (str, os.PathLike)):
        return _named(os.fspath(source), max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)) or hasattr(source, "read"):
        return _file(source, max_pixels)
    if isinstance(source, np.ndarray) and source.ndim == 4:
        return _arrays(list(source))
    if isinstance(source, (list, tuple)) and source:
        if all(isinstance(item, np.ndarray) for item in source):
            return _arrays(source)
        if all(isinstance(item, (str, os.PathLike)) for item in source):
            return _pictures([Path(item) for item in source], f"the list of {len(source)} files", max_pixels)
    got = describe(source) if not isinstance(source, (list, tuple)) else f"a list of {len(source)} things"
    raise InputError(
        "frames: source must be a path, a folder, a pattern, an address, a camera's number, bytes, or a list of paths "
        f"or arrays; got {got}."
    )


def _named(word: str, max_pixels: int) -> Clip:
    camera = _CAMERA.fullmatch(word)
    if camera:
        return _camera(int(camera.group(1) or camera.group(2) or 0))
    scheme, separator, _ = word.partition("://")
    if separator:
        return _stream(word, scheme.lower())
    path = Path(word)
    if word.isdecimal() and not path.exists():  # as one types it in a shell
        return _camera(int(word))
    if path.is_dir():
        files = sorted((item for item in path.iterdir() if item.suffix.lower() in PICTURES), key=_natural)
        if not files:
            raise DataError(f"frames: folder '{word}' holds no picture.")
        return _pictures(files, f"'{word}'", max_pixels)
    if not path.exists() and any(sign in word for sign in "*?["):
        matches = sorted((Path(item) for item in glob.glob(word, recursive=True)), key=_natural)  # noqa: PTH207
        if not matches:
            raise MissingFileError(f"frames: nothing matches '{word}'.")
        return _pictures(matches, f"'{word}'", max_pixels)
    return _file(word, max_pixels)


def _natural(path: Path) -> list[Any]:
    """Return the key that puts frame 2 before frame 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", str(path))]


def _arrays(images: Sequence[np.ndarray]) -> Clip:
    checked = [as_image("frames", image, channels=()) for image in images]
    return Clip("the list of arrays", iter([(None, image) for image in checked]), count=len(checked))


def _pictures(paths: Sequence[Path], name: str, max_pixels: int) -> Clip:
    def moments() -> Iterator[Moment]:
        for path in paths:
            yield None, decode(path, mode="rgb", max_pixels=max_pixels, function="frames")

    return Clip(name, moments(), count=len(paths))


def _file(source: Any, max_pixels: int) -> Clip:
    """Open a file or its bytes: an animated picture, or else a video."""
    name = name_of("frames", source)
    with ExitStack() as opened:  # closed here when opening fails, else by the clip
        stream = opened.enter_context(open_source("frames", source, name))
        head = stream.read(signature.HEAD_BYTES)
        stream.seek(0)
        if not head:
            raise FormatError(f"frames: {name} is empty (0 bytes).")
        if signature.format_of(head):
            pages = decode_pages(stream, name, max_pixels)
            clip = Clip(name, pages.moments, pages.fps, pages.count)
        else:
            whitelists = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
            clip = _video(name, stream, max_pixels, options=whitelists)
            opened.callback(clip.close)
        return replace(clip, close=opened.pop_all().close)


def _stream(address: str, scheme: str) -> Clip:
    options = {"rtsp_transport": "tcp"} if scheme == "rtsp" else {}
    return _video(f"'{address}'", address, None, options=options, timeout=10.0, live=scheme in _LIVE)


def _camera(number: int) -> Clip:
    name = f"camera {number}"
    if sys.platform.startswith("linux"):
        device, form = f"/dev/video{number}", "v4l2"
        if not Path(device).exists():
            raise MissingFileError(f"frames: {name} does not exist ('{device}').")
    elif sys.platform == "darwin":
        device, form = f"{number}", "avfoundation"
    else:
        raise InputError(f"frames: cameras are read on Linux and macOS; got {name} on {sys.platform}.")
    return _video(name, device, None, format=form, live=True)


def _video(name: str, source: Any, max_pixels: int | None, *, live: bool = False, **how: Any) -> Clip:
    """Open what FFmpeg reads; the first video stream is taken."""
    av = require("av")
    try:
        container = av.open(source, **how)
    except FileNotFoundError as error:
        raise MissingFileError(f"frames: {name} does not exist.") from error
    except (av.FFmpegError, ValueError, OSError) as error:
        kind = "cannot be opened" if how.get("timeout") or live else "is no video that can be read"
        raise FormatError(f"frames: {name} {kind}: {_reason(error)}.") from error
    if not container.streams.video:
        container.close()
        raise FormatError(f"frames: {name} holds no video.")
    stream = container.streams.video[0]
    if max_pixels is not None and stream.width * stream.height > max_pixels:
        container.close()
        raise FormatError(
            f"frames: {name} declares {stream.width}×{stream.height} pixels, more than the limit of {max_pixels:,}."
        )
    stream.thread_type = "AUTO"
    rate = stream.average_rate or stream.guessed_rate
    count = stream.frames or None
    live = live or ("timeout" in how and _is_endless(container))
    moments = _decoded(name, container, stream)
    return Clip(name, moments, float(rate or 0), None if live else count, live, container.close)


def _is_endless(container: Any) -> bool:
    """Return whether an address sends without saying how long, as a camera does that pushes picture after picture."""
    return container.duration is None and (container.size or -1) <= 0  # PyAV 19 says None for unknown


def _decoded(name: str, container: Any, stream: Any) -> Iterator[Moment]:
    av = require("av")
    done = 0
    try:
        for frame in container.decode(stream):
            image = frame.to_ndarray(format="rgb24")
            turns = round(frame.rotation / 90) % 4
            yield frame.time, np.ascontiguousarray(np.rot90(image, turns)) if turns else image
            done += 1
    except SightlineError:
        raise
    except (av.FFmpegError, ValueError, OSError) as error:
        raise FormatError(f"frames: {name} is damaged after {done} frames: {_reason(error)}.") from error
    if done == 0:
        raise FormatError(f"frames: {name} holds no frame that can be decoded.")


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or reason_of(error)
    return text[:1].lower() + text[1:]
