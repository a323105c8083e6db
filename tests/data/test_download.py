"""Fetching a file: resumed after a cut, refused when it is not the published one."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from local_server import LocalServer

from sightline.core.errors import DataError, InputError
from sightline.data.download import download, extract

DATA = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


@pytest.fixture
def address(server: LocalServer) -> str:
    server.files = {"set.bin": DATA}
    return f"{server.address}/set.bin"


def test_a_file_is_fetched_and_checked(tmp_path: Path, address: str, server: LocalServer) -> None:
    seen: list[tuple[str, int, int | None]] = []
    target = download(address, tmp_path / "set.bin", sha256=SHA256, progress=lambda *step: seen.append(step))
    assert target.read_bytes() == DATA
    assert seen[-1] == ("set.bin", len(DATA), len(DATA))
    assert [name for name, *_ in seen] == ["set.bin"] * len(seen)
    assert [item.name for item in tmp_path.iterdir()] == ["set.bin"]
    download(address, target, sha256=SHA256)
    assert len(server.requests) == 1


def test_md5_is_checked_where_nothing_better_is_published(tmp_path: Path, address: str) -> None:
    assert download(address, tmp_path / "set.bin", md5=MD5.upper()).exists()
    with pytest.raises(DataError, match=f"its md5 is {MD5}, expected 0000"):
        download(address, tmp_path / "other.bin", md5="0" * 32)


def test_a_cut_connection_is_taken_up_again(tmp_path: Path, address: str, server: LocalServer) -> None:
    server.cut_after = 400_000
    download(address, tmp_path / "set.bin", sha256=SHA256, attempts=3)
    assert (tmp_path / "set.bin").read_bytes() == DATA
    assert [asked for _, asked in server.requests] == ["", "bytes=400000-", "bytes=800000-"]


def test_the_next_run_goes_on_where_this_one_stopped(tmp_path: Path, address: str, server: LocalServer) -> None:
    server.cut_after = 700_000
    with pytest.raises(DataError, match=r"broke off .*; 700000 bytes are kept. Run it again to go on"):
        download(address, tmp_path / "set.bin", sha256=SHA256, attempts=1)
    assert [item.name for item in tmp_path.iterdir()] == ["set.bin.part"]
    download(address, tmp_path / "set.bin", sha256=SHA256, attempts=1)
    assert (tmp_path / "set.bin").read_bytes() == DATA
    assert server.requests[-1][1] == "bytes=700000-"


def test_a_server_without_ranges_sends_all_again(tmp_path: Path, address: str, server: LocalServer) -> None:
    (tmp_path / "set.bin.part").write_bytes(DATA[:1000])
    server.ranges = False
    download(address, tmp_path / "set.bin", sha256=SHA256)
    assert (tmp_path / "set.bin").read_bytes() == DATA


def test_a_part_that_is_whole_needs_no_more_bytes(tmp_path: Path, address: str) -> None:
    (tmp_path / "set.bin.part").write_bytes(DATA)
    assert download(address, tmp_path / "set.bin", sha256=SHA256).read_bytes() == DATA


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path, address: str) -> None:
    with pytest.raises(DataError, match=f"is not the published file: its sha256 is {SHA256}, expected f"):
        download(address, tmp_path / "set.bin", sha256="f" * 64)
    assert not list(tmp_path.iterdir())


def test_a_spoiled_part_is_thrown_away(tmp_path: Path, address: str) -> None:
    (tmp_path / "set.bin.part").write_bytes(b"x" * 500)
    with pytest.raises(DataError, match="is not the published file"):
        download(address, tmp_path / "set.bin", sha256=SHA256)
    assert download(address, tmp_path / "set.bin", sha256=SHA256).read_bytes() == DATA


def test_a_missing_file_is_told(tmp_path: Path, server: LocalServer) -> None:
    with pytest.raises(DataError, match=r"nothing.bin answers 404"):
        download(f"{server.address}/nothing.bin", tmp_path / "nothing.bin", sha256=SHA256)
    assert not list(tmp_path.iterdir())


def test_more_than_the_published_size_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(DataError, match="larger than the published 1000 bytes"):
        download(address, tmp_path / "set.bin", sha256=SHA256, size=1000)
    assert not (tmp_path / "set.bin").exists()


def test_nothing_is_fetched_without_a_checksum_or_from_elsewhere(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="sha256 or md5 must be given"):
        download(address, tmp_path / "set.bin")
    with pytest.raises(InputError, match="must begin with http:// or https://"):
        download(f"file://{tmp_path}/a", tmp_path / "set.bin", sha256=SHA256)


def test_a_server_that_is_not_there_is_told(tmp_path: Path, server: LocalServer) -> None:
    with pytest.raises(DataError, match=r"broke off .* 0 bytes are kept"):
        download("http://127.0.0.1:9/a", tmp_path / "a", sha256=SHA256, attempts=2, timeout=2)


def test_links_and_devices_are_never_taken_out(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        link = tarfile.TarInfo("data.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        item = tarfile.TarInfo("sub/real.bin")
        item.size = 4
        tar.addfile(item, io.BytesIO(b"real"))
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="does not hold data"):
        extract(archive, tmp_path / "out", ["data.bin", "real.bin"])
    assert [item.name for item in (tmp_path / "out").iterdir()] == ["real.bin"]
    with pytest.raises(InputError, match="names must be plain file names"):
        extract(archive, tmp_path / "out", ["../a"])


def test_a_cut_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b\x08\x00garbage")
    with pytest.raises(DataError, match="is not a whole"):
        extract(tmp_path / "a.tar.gz", tmp_path, ["a"])
