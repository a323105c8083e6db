"""Tensors in a safetensors file that knows its own SHA-256: one changed bit anywhere, and it is refused.

The digest stands in the header; it is taken over the whole file with the digest's place filled by zeros.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from sightline.core.errors import MissingFileError, WeightsError
from sightline.core.files import atomic_writer
from sightline.core.types import PathLike

_ZEROS = "0" * 64
_HEADER_LIMIT = 100 << 20  # bytes; what the format allows
_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def save_tensors(path: PathLike, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    """Write tensors atomically; the same tensors and ``about`` give the same bytes. Return the digest in the header.

    Parameters
    ----------
    path
        File to write; its folder must exist.
    tensors
        On any device, of any layout.
    about
        JSON values that belong to the tensors; kept in the header.
    """
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    names = sorted(ready, key=lambda name: (-ready[name].element_size(), name))  # every tensor starts aligned
    text = json.dumps(about, sort_keys=True, allow_nan=False)
    head: dict[str, Any] = {"__metadata__": {"format": "pt", "sha256": _ZEROS, "sightline": text}}
    offset = 0
    for name in names:
        tensor = ready[name]
        size = tensor.numel() * tensor.element_size()
        spans = [offset, offset + size]
        head[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": spans}
        offset += size
    header = json.dumps(head, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    length = len(header).to_bytes(8, "little")
    digest = hashlib.sha256(length + header)
    for name in names:
        digest.update(_bytes(ready[name]))
    found = digest.hexdigest()
    with atomic_writer(path) as stream:
        stream.write(length + header.replace(_ZEROS.encode(), found.encode(), 1))
        for name in names:
            stream.write(_bytes(ready[name]))
    return found


def load_tensors(path: PathLike) -> tuple[dict[str, Tensor], dict[str, Any], str]:
    """Read and verify a file of :func:`save_tensors`; return the tensors, what was said about them, and the digest."""
    path = Path(path)
    data = _read(path)
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _HEADER_LIMIT):
        raise WeightsError(f"load: '{path}' is cut off or not a safetensors file ({len(data)} bytes).")
    try:
        head = json.loads(data[8 : 8 + length].decode("utf-8"))
        said = head["__metadata__"]
        digest, about = str(said["sha256"]), json.loads(said["sightline"])
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"load: '{path}' has no readable header of a Sightline checkpoint. Was it changed, or written elsewhere?"
        ) from error
    place = data.find(digest.encode(), 8, 8 + length)
    data[place : place + 64] = _ZEROS.encode()
    if len(digest) != 64 or hashlib.sha256(data).hexdigest() != digest:
        raise WeightsError(
            f"load: '{path}' was changed or cut since it was written (its SHA-256 differs). "
            "Use another checkpoint, or resume the training."
        )
    try:
        return safetensors.torch.load(bytes(data)), about, digest
    except SafetensorError as error:
        raise WeightsError(f"load: '{path}' is not a safetensors file: {error}.") from error


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy ``tensors`` into ``model``; names and shapes must agree, or every difference is listed, nothing changed.

    Parameters
    ----------
    model
        The model to fill.
    tensors
        Its state by name.
    source
        What the error's sentence calls the tensors, for example a path.
    """
    differences = list(_differences(model.state_dict(), tensors))
    if differences:
        raise WeightsError(
            f"load: {source} does not fit the model ({len(differences)} differences): "
            + "; ".join(differences)
            + ". Is it a checkpoint of another architecture or another number of classes?"
        )
    model.load_state_dict(dict(tensors))


def _differences(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    for name in wanted:
        if name not in found:
            yield f"{name} is missing"
        elif wanted[name].shape != found[name].shape:
            ours, theirs = ("×".join(map(str, t.shape)) or "a scalar" for t in (wanted[name], found[name]))
            yield f"{name} is {theirs}, not {ours}"
    yield from (f"{name} is not in the model" for name in found if name not in wanted)


def _bytes(tensor: Tensor) -> memoryview:
    flat = tensor.reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")


def _read(path: Path) -> bytearray:
    try:
        with open(path, "rb") as stream:
            start = stream.read(9)  # a length of 8 bytes, which may begin as a pickle does, and the header's bracket
            if start[:4] == b"PK\x03\x04" or (start[:1] == b"\x80" and start[8:] != b"{"):
                raise WeightsError(
                    f"load: '{path}' is a Python pickle (it can run code when loaded), not safetensors. "
                    "Convert it where you trust it: safetensors.torch.save_file(state_dict, path)."
                )
            data = bytearray(path.stat().st_size)
            stream.seek(0)
            size = stream.readinto(data)
            return data[:size] if size < len(data) else data
    except FileNotFoundError as error:
        raise MissingFileError(f"load: '{path}' does not exist.") from error
    except IsADirectoryError as error:
        raise WeightsError(f"load: '{path}' is a folder, not a file of weights.") from error
