"""Reading weights: honest files give their tensors, hostile or damaged ones a sentence, and nothing is ever run."""

from __future__ import annotations

import collections
import hashlib
import io
import os
import pickle
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_safetensors

from sightline.core.errors import MissingFileError, SightlineError, WeightsError
from sightline.zoo import read_weights

TENSORS = {
    "w": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "b": torch.tensor([1, 2]),
    "h": torch.ones(2).half(),
}


def torch_bytes(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def npz_bytes(compressed: bool = False, **arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


def zip_bytes(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def repacked(source: bytes, change: Callable[[str, bytes], bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    with zipfile.ZipFile(io.BytesIO(source)) as archive:
        return zip_bytes({name: change(name, archive.read(name)) for name in archive.namelist()}, method)


class Runs:
    """A pickle of it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, (f"touch {self.path}",)


HONEST = {
    "safetensors": save_safetensors(TENSORS),
    "npz": npz_bytes(**{key: value.numpy() for key, value in TENSORS.items()}),
    "compressed npz": npz_bytes(True, **{key: value.numpy() for key, value in TENSORS.items()}),
    "pt": torch_bytes(TENSORS),
    "ordered pt": torch_bytes(collections.OrderedDict(TENSORS)),
    "wrapped pt": torch_bytes({"state_dict": TENSORS, "epoch": 3}),
    "parameters pt": torch_bytes({key: torch.nn.Parameter(value, False) for key, value in TENSORS.items()}),
}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_files_give_their_tensors(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "weights.bin"  # the content decides, not the name
    path.write_bytes(HONEST[kind])
    found = read_weights(path)
    assert found.keys() == TENSORS.keys()
    for key, value in TENSORS.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value)


def test_big_endian_arrays_keep_their_values(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(npz_bytes(w=np.arange(3, dtype=">f4")))
    assert read_weights(path)["w"].tolist() == [0, 1, 2]


def test_a_digest_or_its_beginning_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(HONEST["safetensors"])
    digest = hashlib.sha256(HONEST["safetensors"]).hexdigest()
    assert read_weights(path, sha256=digest.upper()).keys() == read_weights(path, sha256=digest[:8]).keys()
    with pytest.raises(WeightsError, match="not the file that was asked for: its SHA-256 begins with"):
        read_weights(path, sha256="0" * 8)
    with pytest.raises(WeightsError, match="sha256 must be 8 to 64 hexadecimal digits"):
        read_weights(path, sha256="")


def hostile(marker: Path) -> dict[str, tuple[bytes, str]]:
    """Return files that nobody should open carelessly, each with a word of the refusal."""
    pt = HONEST["pt"]
    program = pickle.dumps(Runs(marker), protocol=2)
    large = bytes(1 << 24)
    return {
        "pickle": (pickle.dumps(Runs(marker)), "bare pickle"),
        "legacy pickle": (pickle.dumps(119547037146038801333356, 2) + program, "bare pickle"),
        "pt that runs": (torch_bytes(Runs(marker)), "wants to run 'posix.system'"),
        "pt with a late call": (
            repacked(pt, lambda name, data: program if name.endswith("data.pkl") else data),
            "wants to run 'posix.system'",
        ),
        "pt in protocol 4": (
            repacked(pt, lambda n, d: pickle.dumps(Runs(marker), protocol=4) if n.endswith("data.pkl") else d),
            "STACK_GLOBAL",
        ),
        "pt of a bytearray": (
            repacked(
                pt,
                lambda n, d: b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x7f\x85R." if n.endswith("data.pkl") else d,
            ),
            "wants to run 'builtins.bytearray'",
        ),
        "deflated pt": (repacked(pt, lambda n, d: d, zipfile.ZIP_DEFLATED), "would inflate"),
        "bomb pt": (zip_bytes({"a/data.pkl": b"\x80\x02}.", "a/data/0": large}, zipfile.ZIP_DEFLATED), "would inflate"),
        "bomb npz": (npz_bytes(True, w=np.zeros(1 << 22, np.float32)), "refused as a bomb"),
        "object npz": (npz_bytes(w=np.array([Runs(marker)], object)), "no plain array"),
        "text npz": (npz_bytes(w=np.array(["a"])), "must hold numbers"),
        "program": (zip_bytes({"a/data.pkl": b"\x80\x02}.", "a/code/x.py": b"pass"}), "no state dict"),
        "other zip": (zip_bytes({"readme.txt": b"hello"}), "no state dict"),
        "no tensors": (torch_bytes({"epoch": 3}), "no state dict"),
        "cut pt": (pt[:-40], "damaged"),
        "cut safetensors": (HONEST["safetensors"][:-5], "damaged"),
        "cut header": (HONEST["safetensors"][:12], "not a .safetensors, .npz or .pt file"),
        "huge header": (b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", "not a .safetensors, .npz or .pt file"),
        "empty": (b"", "not a .safetensors, .npz or .pt file"),
        "picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "not a .safetensors, .npz or .pt file"),
    }


@pytest.mark.parametrize("kind", hostile(Path("x")))
def test_hostile_files_are_refused_and_nothing_is_run(tmp_path: Path, kind: str) -> None:
    marker, path = tmp_path / "was-run", tmp_path / "weights.pt"
    data, word = hostile(marker)[kind]
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError) as caught:
            read_weights(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert word in str(caught.value)
    assert str(path) in str(caught.value)
    assert not marker.exists()
    assert peak < 1.2 * len(data) + 2**20


@pytest.mark.parametrize("kind", ["pt", "npz", "compressed npz"])
def test_a_flipped_bit_is_never_silent(tmp_path: Path, kind: str) -> None:
    """Zip files carry a checksum of every record: no bit can change a value unseen."""
    path, dice = tmp_path / "weights", random.Random(0)
    for _ in range(200):
        data = bytearray(HONEST[kind])
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
        try:
            found = read_weights(path)
        except SightlineError:
            continue
        for key, value in found.items():
            assert torch.equal(value, TENSORS[key])


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "absent.pt", tmp_path, tmp_path / "pipe"):
        with pytest.raises(MissingFileError, match="read_weights: "):
            read_weights(path)
