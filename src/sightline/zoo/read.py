"""Read a weight file without executing anything in it, and without letting it take more memory than it shows.

safetensors first; ``.npz`` without objects; ``.pt`` only after its directory and its pickle were read as data: every
name that the pickle would call must be one that rebuilds tensors.
"""

from __future__ import annotations

import hashlib
import io
import pickletools
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sightline.core.errors import MissingFileError, WeightsError
from sightline.core.types import PathLike

_INFLATE = 16  # an .npz may be compressed: real weights shrink by a tenth or two, a bomb a thousandfold
# What a zip file with flipped bits makes Python's reader raise.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
)
_MOST_OBJECTS = 1 << 22  # steps of a pickle; a state dict of 10,000 tensors has about 400,000

# All that a state dict needs; `torch.load(weights_only=True)` allows more, such as a bytearray of any length.
_CALLS = re.compile(
    r"(collections OrderedDict|torch\._utils (_rebuild_tensor_v2|_rebuild_parameter)|torch (\w+Storage|Size|"
    r"float16|float32|float64|bfloat16|int8|int16|int32|int64|uint8|bool)|torch\.storage (Untyped|Typed)Storage)"
)


def read_weights(path: PathLike, *, sha256: str | None = None) -> dict[str, Tensor]:
    """Return the tensors of a weight file by name.

    Parameters
    ----------
    path
        A ``.safetensors``, ``.npz``, ``.pt`` or ``.pth`` file; its content decides, not its name.
    sha256
        Digest that the file must have, in hexadecimal; the first 8 digits or more are enough.

    Returns
    -------
    dict of str to Tensor
        On the CPU, in the dtypes of the file. NaN and infinity are kept.

    Raises
    ------
    MissingFileError
        When there is no such regular file.
    WeightsError
        When the file has another digest, is damaged, would run code, or would inflate.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/w.npz", bias=np.ones(2, np.float32))
    ...     read_weights(f"{folder}/w.npz")
    {'bias': tensor([1., 1.])}
    """
    path = Path(path)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)  # a pipe would block for ever
    except (OSError, ValueError) as error:
        raise MissingFileError(f"read_weights: '{path}' does not exist or cannot be opened: {error}.") from error
    if not regular:
        raise MissingFileError(f"read_weights: '{path}' is not a regular file.")
    data = path.read_bytes()
    if sha256 is not None:
        _check_digest(path, data, sha256)
    if data[:4] == b"PK\x03\x04":
        return _read_zip(path, data)
    if len(data) > 8 and data[8:9] == b"{" and struct.unpack("<Q", data[:8])[0] <= len(data) - 8:
        return _read_safetensors(path, data)
    if data[:1] == b"\x80":
        raise WeightsError(
            f"read_weights: '{path}' is a bare pickle, which runs code when it is opened. "
            "Where you trust it, save its tensors as .safetensors first."
        )
    raise WeightsError(f"read_weights: '{path}' is not a .safetensors, .npz or .pt file, or was cut.")


def _check_digest(path: Path, data: bytes, expected: str) -> None:
    expected = expected.lower()
    if not re.fullmatch(r"[0-9a-f]{8,64}", expected):
        raise WeightsError(f"read_weights: sha256 must be 8 to 64 hexadecimal digits; got '{expected}'.")
    digest = hashlib.sha256(data).hexdigest()
    if not digest.startswith(expected):
        raise WeightsError(
            f"read_weights: '{path}' is not the file that was asked for: its SHA-256 begins with "
            f"{digest[: len(expected)]}; expected {expected}. Delete it and fetch it again."
        )


def _read_safetensors(path: Path, data: bytes) -> dict[str, Tensor]:
    import safetensors
    import safetensors.torch

    try:
        return safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(f"read_weights: '{path}' is a damaged .safetensors file: {error}.") from error


def _read_zip(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            records = archive.infolist()
            if all(record.filename.endswith(".npy") for record in records):
                return _read_npz(path, archive, records)
            pickles = [record for record in records if record.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or any("/code/" in record.filename for record in records):
                raise WeightsError(
                    f"read_weights: '{path}' is a zip file, but no state dict (a TorchScript program?). "
                    "Save model.state_dict() as .safetensors."
                )
            _check_records(path, archive, records, len(data))
            _check_pickle(path, archive.read(pickles[0]))
    except WeightsError:
        raise
    except _DAMAGE as error:
        raise WeightsError(f"read_weights: '{path}' is damaged: {error}.") from error
    return _load_torch(path, data)


def _check_records(path: Path, archive: zipfile.ZipFile, records: list[zipfile.ZipInfo], length: int) -> None:
    """Hold the directory of a ``.pt``: stored records only, no longer than the file, each with its checksum."""
    for record in records:
        if record.compress_type != zipfile.ZIP_STORED or record.file_size != record.compress_size:
            raise WeightsError(
                f"read_weights: '{path}' has a compressed record '{record.filename}' that would inflate from "
                f"{record.compress_size:,} to {record.file_size:,} bytes; torch.save never writes one."
            )
    if len({record.filename for record in records}) != len(records) or sum(r.file_size for r in records) > length:
        raise WeightsError(f"read_weights: '{path}' names more bytes than it has: its zip directory was tampered with.")
    broken = archive.testzip()
    if broken is not None:
        raise WeightsError(f"read_weights: '{path}' was changed since it was written: '{broken}' fails its checksum.")


def _check_pickle(path: Path, program: bytes) -> None:
    """Read the pickle as a listing and refuse every call that does more than rebuild a tensor."""
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(program)):
            if opcode.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4") or count > _MOST_OBJECTS:
                raise WeightsError(f"read_weights: '{path}' is no plain state dict ({opcode.name} in its pickle).")
            if opcode.name == "GLOBAL" and not _CALLS.fullmatch(str(argument)):
                wanted = str(argument).replace(" ", ".")
                raise WeightsError(
                    f"read_weights: '{path}' wants to run '{wanted}', which weights do not need; nothing was run. "
                    "Ask for a .safetensors file."
                )
    except (ValueError, UnicodeDecodeError, struct.error) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"read_weights: '{path}' is damaged: {error}.") from error


def _load_torch(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the parser stumbles on, the file is the reason
        raise WeightsError(f"read_weights: '{path}' cannot be read: {str(error).splitlines()[0]}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(f"read_weights: '{path}' holds no state dict (names with tensors).")
    return {str(key): tensor.detach() for key, tensor in loaded.items()}


def _read_npz(path: Path, archive: zipfile.ZipFile, records: list[zipfile.ZipInfo]) -> dict[str, Tensor]:
    tensors = {}
    for record in records:
        if record.file_size > _INFLATE * record.compress_size + 4096:
            raise WeightsError(
                f"read_weights: '{path}' has a record '{record.filename}' that would inflate from "
                f"{record.compress_size:,} to {record.file_size:,} bytes; refused as a bomb."
            )
        try:
            array = np.lib.format.read_array(io.BytesIO(archive.read(record)), allow_pickle=False)
        except (ValueError, EOFError, SyntaxError) as error:
            raise WeightsError(
                f"read_weights: '{record.filename}' in '{path}' is no plain array: {str(error).splitlines()[0]}"
            ) from error
        if array.dtype.kind not in "fiub":
            raise WeightsError(
                f"read_weights: '{record.filename}' in '{path}' must hold numbers; got {array.dtype.name}."
            )
        native = array.astype(array.dtype.newbyteorder("="), order="C")
        tensors[record.filename.removesuffix(".npy")] = torch.from_numpy(native)
    return tensors
