"""Sets that are known by name: the bundled digits, sets found on this machine, sets that are fetched."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from local_server import LocalServer

from sightline.core.errors import DataError
from sightline.data import named, open_dataset
from sightline.data.named import NamedSet, RemoteFile, data_folders, fetch, named_sets


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    peer, digits = load_digits(), open_dataset("digits")
    for split in (digits.train, digits.test):
        source = [int(key.removeprefix("digits/")) for key in split.keys]
        assert split.array is not None
        assert np.array_equal(np.rint(split.array * (16 / 255)), peer.images[source])
        assert np.array_equal(split.labels, peer.target[source])


def test_digits_have_a_fixed_split() -> None:
    digits = open_dataset("digits", seed=5)
    assert (len(digits.train), len(digits.test), digits.mirror) == (1438, 359, False)
    assert not set(digits.train.keys) & set(digits.test.keys)
    assert digits.test.keys == open_dataset("digits").test.keys
    assert digits.test.counts(10).min() >= 35
    assert digits.train[0][0].dtype == np.uint8
    assert max(image.max() for image, _ in digits.test) == 255


def test_every_fetched_file_has_a_checksum() -> None:
    for known in named_sets().values():
        assert known.licence
        assert known.cite
        for file in known.files:
            assert len(file.sha256) in (0, 64)
            assert len(file.md5) in (0, 32)
            assert file.sha256 or file.md5


def test_mnist_is_found_and_is_mnist(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(shared_data))
    mnist = open_dataset("mnist", download=False)
    assert (len(mnist.train), len(mnist.test), mnist.train[0][0].shape, mnist.mirror) == (60000, 10000, (28, 28), False)
    assert mnist.train.array is not None
    # The mean and deviation that everybody normalises MNIST by.
    assert mnist.train.array.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert mnist.train.array.std() / 255 == pytest.approx(0.3081, abs=1e-4)
    assert mnist.train.labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]


def test_sheets_are_found_and_told(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(shared_data))
    found = open_dataset("cifar100", download=False)
    assert (len(found.classes), found.train[0][0].shape, found.train.counts(100).tolist()) == (
        100,
        (32, 32, 3),
        [100] * 100,
    )
    assert found.notes[0] == "It has 10000 of the official 50000 train images."
    assert "re-encoded contact sheets" in found.notes[2]


def test_gray_sheets_are_gray(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sightline.data import sheets

    labels = np.load(shared_data / "fashion_mnist" / "test_labels.npy")
    images = sheets._unpack(shared_data / "fashion_mnist", "test", len(labels))
    assert images.shape == (10000, 28, 28)


def test_what_is_not_here_may_not_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"'cifar10' is not on this machine \(searched: .*cifar10, .*cifar10\)"):
        open_dataset("cifar10", download=False)
    assert data_folders()[0] == tmp_path


def test_another_set_under_the_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    put_idx_files(tmp_path / "mnist")
    with pytest.raises(DataError, match="is not mnist: expected images 28×28 in 10 classes; got 4×4 in 2"):
        open_dataset("mnist", download=False)


def put_idx_files(folder: Path) -> dict[str, bytes]:
    files = {}
    for word, count in (("train", 8), ("t10k", 4)):
        images = np.arange(count * 16, dtype=np.uint8).tobytes()
        labels = (np.arange(count) % 2).astype(np.uint8).tobytes()
        files[f"{word}-images-idx3-ubyte.gz"] = gzip.compress(struct.pack(">IIII", 0x803, count, 4, 4) + images)
        files[f"{word}-labels-idx1-ubyte.gz"] = gzip.compress(struct.pack(">II", 0x801, count) + labels)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return files


def make_known(files: tuple[RemoteFile, ...]) -> NamedSet:
    return NamedSet("tiny", "Tiny", "nobody", "none", "", "", (4, 4), 8, 4, files=files)


def test_a_named_set_is_fetched_checked_and_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: LocalServer
) -> None:
    server.files = put_idx_files(tmp_path)
    remote = tuple(
        RemoteFile(f"{server.address}/{name}", sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        for name, data in server.files.items()
    )
    monkeypatch.setattr(named, "named_sets", lambda: {"tiny": make_known(remote)})
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    seen: list[str] = []
    from sightline.data.open_dataset import FORMATS

    found = named.open_named("tiny", FORMATS, progress=lambda name, done, total: seen.append(f"{name} {done}/{total}"))
    assert (len(found.train), len(found.test), found.name) == (8, 4, "tiny")
    assert seen[0] == "train-images-idx3-ubyte.gz {0}/{0}".format(remote[0].bytes)
    asked = len(server.requests)
    assert named.open_named("tiny", FORMATS, download=False).digest == found.digest
    assert len(server.requests) == asked


def test_only_what_is_wanted_is_taken_out_of_an_archive(tmp_path: Path, server: LocalServer) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in (("deep/train.bin", b"one"), ("../outside.bin", b"two"), ("other.txt", b"three")):
            item = tarfile.TarInfo(name)
            item.size = len(data)
            tar.addfile(item, io.BytesIO(data))
    data = buffer.getvalue()
    server.files = {"a.tar.gz": data}
    file = RemoteFile(f"{server.address}/a.tar.gz", sha256=hashlib.sha256(data).hexdigest(), part=("train.bin",))
    folder = fetch(make_known((file,)), tmp_path / "a" / "b")
    assert sorted(item.name for item in folder.iterdir()) == ["train.bin"]
    assert (folder / "train.bin").read_bytes() == b"one"
    assert not list(tmp_path.rglob("outside.bin"))
    bad = replace(file, url=f"{server.address}/a.tar.gz", part=("missing.bin",))
    with pytest.raises(DataError, match="does not hold missing"):
        fetch(make_known((bad,)), folder)
