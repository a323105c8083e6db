"""Archives of arrays: what was written comes back, and what is none is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.errors import FormatError, MissingFileError


@pytest.mark.parametrize("compress", [False, True])
def test_arrays_come_back(tmp_path: Path, compress: bool) -> None:
    arrays = {"a/b": np.arange(6.0).reshape(2, 3), "words": np.array(["one", "two"])}
    write_arrays(tmp_path / "x.npz", arrays, compress=compress)
    with read_arrays("test", tmp_path / "x.npz", "an archive") as held:
        assert list(held) == list(arrays)
        assert all(np.array_equal(held[name], arrays[name]) for name in arrays)


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path / "x.npz", {"a": np.array([{}, []], dtype=object)})
    assert not list(tmp_path.iterdir())


def test_what_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(MissingFileError, match="does not exist"), read_arrays("asked", path, "a thing"):
        pass
    write_arrays(path, {"a": np.zeros(100)})
    whole = path.read_bytes()
    np.save(tmp_path / "one.npy", np.zeros(3))
    for damaged in (b"", b"text", whole[: len(whole) // 2], (tmp_path / "one.npy").read_bytes()):
        path.write_bytes(damaged)
        with (
            pytest.raises(FormatError, match=r"asked: '.*x\.npz' is not a thing: (?!.*pickle)"),
            read_arrays("asked", path, "a thing"),
        ):
            pass
    path.write_bytes(whole)
    with pytest.raises(FormatError, match="is not a thing: 'b'"), read_arrays("asked", path, "a thing") as held:
        held["b"]
