"""Writing what an image method gives back: pictures as pictures, numbers as numbers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from sightline.apply.outputs import as_picture, drawn, parts_of
from sightline.apply.plain import plain
from sightline.core.catalogue import Method
from sightline.core.errors import InputError
from sightline.core.files import write_bytes, write_text


def write_result(entry: Method, result: Any, image: Any, values: dict[str, Any], target: Path | None) -> dict[str, Any]:
    """Write what a method returned; return ``{"output": [paths]}`` and, where there are other values, ``"result"``.

    Parameters
    ----------
    entry, result, image, values
        The method, what it returned, its first argument and its options.
    target
        File to write; None writes only what is a picture, under a name made of the method's.
    """
    pictures, others = parts_of(entry, result, image)
    row: dict[str, Any] = {}
    if others:
        row["result"] = next(iter(others.values())) if list(others) == [""] else others
    if isinstance(result, bytes):
        path = target or Path(f"{entry.name}.bin")
        write_bytes(path, result)
        return {"output": [str(path)], "result": f"{len(result)} bytes"}
    if not pictures and target is not None:
        row["output"] = [_write_values(entry, result, image, values, target)]
        return row
    default = Path(f"{entry.name}.png")
    row["output"] = [
        write_array(_beside(target or default, part if len(pictures) > 1 else ""), array)
        for part, array in pictures.items()
    ]
    return row


def _write_values(entry: Method, result: Any, image: Any, values: dict[str, Any], target: Path) -> str:
    if target.suffix == ".npy":
        if not isinstance(result, np.ndarray):
            raise InputError(f"{entry.name}: --output must end in .json for this result, or .png to see it; got .npy.")
        return write_array(target, result)
    if target.suffix == ".json":
        write_text(target, json.dumps(plain(result), ensure_ascii=False, indent=2) + "\n")
        return str(target)
    shown = drawn(entry, result, image, values)
    if shown is None:
        raise InputError(f"{entry.name}: --output must end in .json for this result, which is no picture.")
    return write_array(target, shown)


def _beside(target: Path, part: str) -> Path:
    return target.with_name(f"{target.stem}-{part}{target.suffix}") if part else target


def write_array(target: Path, array: np.ndarray) -> str:
    """Write an array as a picture (values that are no image are stretched to black–white), or exactly as ``.npy``."""
    if target.suffix == ".npy":
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        write_bytes(target, stream.getvalue())
    elif target.suffix == ".json":
        write_text(target, json.dumps(plain(array)) + "\n")
    else:
        from sightline.image.write import write

        write(target, as_picture(array))
    return str(target)
