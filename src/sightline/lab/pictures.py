"""Pictures by reference: ``sample:cat``, ``upload:…`` (kept in memory), ``file:folder/photo.jpg`` (under the root)."""

from __future__ import annotations

import io
import math
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from sightline.core.errors import InputError, MissingFileError, suggest
from sightline.data.sample import SAMPLES
from sightline.lab.places import under
from sightline.lab.scenes import scene_bytes
from sightline.serve.guard import MAX_BYTES
from sightline.serve.requests import decode_picture

UPLOADED_BYTES = 256 * 2**20  # of all uploads together; the oldest goes first
DECODED_BYTES = 256 * 2**20
_QUALITY = 90
_MAGIC = {".png": b"\x89PNG\r\n", ".jpg": b"\xff\xd8\xff"}


@dataclass(frozen=True)
class Shrunk:
    """A picture at the size that is worked on.

    Parameters
    ----------
    image
        H×W or H×W×3 uint8, read-only.
    scale
        Its width by that of the picture as it is kept.
    """

    image: np.ndarray
    scale: float


class Pictures:
    """The pictures that a page may name.

    Parameters
    ----------
    root
        Folder whose files may be named.
    uploads
        Where uploads are kept: given a reference, the file and whether it is a mask, None when it is kept no longer.
        When None, here.
    decoded
        Bytes of the pixels that are kept.
    """

    def __init__(
        self,
        root: Path,
        *,
        uploads: Callable[[str], tuple[bytes, bool] | None] | None = None,
        decoded: int = DECODED_BYTES,
    ) -> None:
        self.root = root
        self._kept_elsewhere, self._most = uploads, decoded
        self._lock = threading.Lock()
        self._uploads: OrderedDict[str, tuple[bytes, bool]] = OrderedDict()  # by reference: the file, is it a mask
        self._decoded: OrderedDict[tuple[Any, ...], Shrunk] = OrderedDict()

    def add(self, data: bytes, *, mask: bool = False) -> dict[str, Any]:
        """Keep a picture; return its reference and size.

        Parameters
        ----------
        data
            The bytes of an image file.
        mask
            Whether it is a painted mask: such a one is never smoothed.
        """
        image = decode_picture(data)
        reference = f"upload:{secrets.token_urlsafe(9)}"
        with self._lock:
            self._uploads[reference] = (data, mask)
            while sum(len(kept) for kept, _ in self._uploads.values()) > UPLOADED_BYTES:
                self._uploads.popitem(last=False)
        return {"ref": reference, "width": image.shape[1], "height": image.shape[0]}

    def get(self, reference: str, pixels: int | None = None) -> Shrunk:
        """Return a picture, shrunk to at most ``pixels``.

        Parameters
        ----------
        reference
            ``sample:…``, ``scene:…``, ``upload:…`` or ``file:…``; ``file:clip.mp4@12`` is a frame of a video.
        pixels
            Largest width × height; None keeps the size.
        """
        version = self.version(reference)
        key = (reference, pixels, version)
        with self._lock:
            if key in self._decoded:
                self._decoded.move_to_end(key)
                return self._decoded[key]
        image, mask = self._read(reference)
        made = shrink(image, pixels, mask=mask)
        made.image.flags.writeable = False
        self._keep(key, made)
        return made

    def encoded(self, reference: str, width: int | None = None) -> tuple[bytes, str]:
        """Return a picture as a file for a page, at most ``width`` wide, and its media type.

        Without a width, a PNG or JPEG that was sent, or comes with the package, is given as it is.
        """
        suffix = "" if width is not None or reference.startswith("file:") else self.suffix(reference)
        if suffix:
            return self._bytes(reference)[0], f"image/{'png' if suffix == '.png' else 'jpeg'}"
        shrunk = self.get(reference)
        image = shrunk.image
        if width is not None and width < image.shape[1]:
            height = max(1, round(image.shape[0] * width / image.shape[1]))
            smooth = len(np.unique(image[::7, ::7])) > 2
            method = PillowImage.Resampling.BOX if smooth else PillowImage.Resampling.NEAREST
            image = np.asarray(PillowImage.fromarray(image).resize((width, height), method))
        stream = io.BytesIO()
        if image.ndim == 2 and len(np.unique(image[::7, ::7])) <= 32:
            PillowImage.fromarray(image).save(stream, "png", compress_level=1)
            return stream.getvalue(), "image/png"
        PillowImage.fromarray(image).save(stream, "jpeg", quality=_QUALITY)
        return stream.getvalue(), "image/jpeg"

    def suffix(self, reference: str) -> str:
        """Return how a kept picture's file name ends: ``.png``, ``.jpg``, or nothing for what pages cannot show."""
        data, _ = self._bytes(reference)
        return next((suffix for suffix, magic in _MAGIC.items() if data.startswith(magic)), "")

    def _keep(self, key: tuple[Any, ...], made: Shrunk) -> None:
        if made.image.nbytes > self._most // 4:
            return
        with self._lock:
            self._decoded[key] = made
            while sum(kept.image.nbytes for kept in self._decoded.values()) > self._most:
                self._decoded.popitem(last=False)

    def version(self, reference: str) -> Any:
        """Return what changes when a file behind a reference is written anew."""
        if not reference.startswith("file:"):
            return None
        path, _ = self._file(reference)
        try:
            found = path.stat()
        except OSError as error:
            raise MissingFileError(f"pictures: '{reference}' does not exist.") from error
        return found.st_mtime_ns, found.st_size

    def _file(self, reference: str) -> tuple[Path, int | None]:
        name = reference.removeprefix("file:")
        match = re.fullmatch(r"(.+)@(\d{1,9})", name)
        return (under(self.root, match[1]), int(match[2])) if match else (under(self.root, name), None)

    def _read(self, reference: str) -> tuple[np.ndarray, bool]:
        kind, _, name = reference.partition(":")
        if kind == "file":
            return self._from_file(reference), False
        data, mask = self._bytes(reference)
        return decode_picture(data, name if kind in ("sample", "scene") else "upload"), mask

    def _bytes(self, reference: str) -> tuple[bytes, bool]:
        """Return the file of a sample or of an upload, and whether it is a mask."""
        kind, _, name = reference.partition(":")
        if kind == "sample":
            if name not in SAMPLES:
                raise MissingFileError(f"pictures: no sample is named '{name}'.{suggest(name, SAMPLES)}")
            return SAMPLES[name].path.read_bytes(), name == "horse"
        if kind == "scene":
            return scene_bytes(name), False
        if kind == "upload":
            return self.uploaded(reference)
        raise InputError(f"pictures: reference must start with sample:, scene:, upload: or file:; got '{reference}'.")

    def uploaded(self, reference: str) -> tuple[bytes, bool]:
        """Return the file of an upload, and whether it is a mask.

        Raises :class:`MissingFileError` when it is kept no longer.
        """
        if self._kept_elsewhere is not None:
            found = self._kept_elsewhere(reference)
        else:
            with self._lock:
                found = self._uploads.get(reference)
                if found is not None:
                    self._uploads.move_to_end(reference)
        if found is None:
            raise MissingFileError(f"pictures: '{reference}' is no longer kept. Upload it again.")
        return found

    def _from_file(self, reference: str) -> np.ndarray:
        path, frame = self._file(reference)
        if frame is not None:
            from sightline.image.frames import frames

            with frames(str(path), start=frame, stop=frame + 1) as clip:
                for image in clip:
                    return image
            raise MissingFileError(f"pictures: '{reference}' is beyond the video's last frame.")
        if not path.is_file():
            raise MissingFileError(f"pictures: '{reference}' does not exist.")
        if path.stat().st_size > 4 * MAX_BYTES:
            raise InputError(f"pictures: '{reference}' is larger than {4 * MAX_BYTES // 2**20} MB.")
        return decode_picture(path.read_bytes(), path.name)


def shrink(image: np.ndarray, pixels: int | None, *, mask: bool = False) -> Shrunk:
    """Return an image shrunk to at most ``pixels``, with the scale; a mask keeps its two values."""
    height, width = image.shape[:2]
    if pixels is None or height * width <= pixels:
        return Shrunk(image, 1.0)
    scale = math.sqrt(pixels / (height * width))
    size = max(1, int(width * scale)), max(1, int(height * scale))
    method = PillowImage.Resampling.NEAREST if mask else PillowImage.Resampling.BOX
    made = PillowImage.fromarray(image).resize(size, method, reducing_gap=None)
    return Shrunk(np.array(made), size[0] / width)
