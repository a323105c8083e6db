import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sightline.core import files
from sightline.core.errors import DiskError, FormatError, MissingFileError


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "settings.bin"
    path.write_bytes(b"old content")
    return path


def only(path: Path) -> None:
    """The folder holds this file and nothing else."""
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_write_bytes_replaces_the_file_and_returns_its_digest(target):
    digest = files.write_bytes(target, b"new")
    assert target.read_bytes() == b"new"
    assert digest == hashlib.sha256(b"new").hexdigest() == files.sha256_of(target)
    only(target)


@pytest.mark.parametrize("parts", [[b""], [b"a", bytearray(b"bc"), memoryview(b"d" * 100_000)], [b"x" * 3_000_000]])
def test_the_digest_is_hashlibs(tmp_path, parts):
    with files.atomic_writer(tmp_path / "a") as stream:
        for part in parts:
            assert stream.write(part) == len(part)
    assert stream.sha256 == hashlib.sha256(b"".join(parts)).hexdigest() == files.sha256_of(tmp_path / "a")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_in_the_block_leaves_the_old_file(target, error):
    def write_half():
        with files.atomic_writer(target) as stream:
            stream.write(b"half of the n")
            raise error

    with pytest.raises(error):
        write_half()
    assert target.read_bytes() == b"old content"
    only(target)


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "chmod"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_failing_system_call_leaves_the_old_file_and_names_it(target, monkeypatch, call, code):
    def fail(*_args, **_options):
        raise OSError(code, os.strerror(code))

    if call == "write":
        opened = os.fdopen

        class Full:
            def __init__(self, stream):
                self.stream = stream

            def write(self, data):
                fail()

            def close(self):
                self.stream.close()

        monkeypatch.setattr(files.os, "fdopen", lambda handle, mode: Full(opened(handle, mode)))
    elif call == "fsync":
        monkeypatch.setattr(files.os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, call, fail)
    with pytest.raises(DiskError, match=r"write: '.*settings\.bin' cannot be written: ") as caught:
        files.write_bytes(target, b"new content")
    monkeypatch.undo()
    assert caught.value.errno == code
    assert os.strerror(code).lower() in str(caught.value)
    assert target.read_bytes() == b"old content"
    only(target)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs RLIMIT_FSIZE")
def test_every_size_of_disk_keeps_old_or_new(target):
    import resource

    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    data, outcomes = b"n" * 20_000, []
    try:
        for room in range(0, 24_000, 1500):
            target.write_bytes(b"old content")
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
            try:
                files.write_bytes(target, data)
                outcomes.append(target.read_bytes() == data)
            except DiskError:
                outcomes.append(target.read_bytes() == b"old content")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            only(target)
    finally:
        signal.signal(signal.SIGXFSZ, handler)
    assert all(outcomes)


LOOP = """
import sys
from sightline.core.files import write_bytes
print("ready", flush=True)
for i in range(10**9):
    write_bytes(sys.argv[1], bytes([i % 251]) * 300_000)
"""


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path):
    path = tmp_path / "weights.bin"
    for moment in range(4):
        with subprocess.Popen([sys.executable, "-c", LOOP, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.01 + 0.033 * moment)
            writer.kill()
        if path.exists():
            data = path.read_bytes()
            assert len(data) == 300_000
            assert len(set(data)) == 1
    assert path.exists()


def test_data_is_flushed_before_the_name_and_the_folder_after_it(target, monkeypatch):
    order = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(
        files.os,
        "fsync",
        lambda fd: (order.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "data"), fsync(fd)),
    )
    monkeypatch.setattr(Path, "replace", lambda self, other: (order.append("rename"), replace(self, other))[1])
    files.write_bytes(target, b"new")
    assert order == ["data", "rename", "folder"]


def test_a_new_file_gets_the_usual_permissions_and_a_replaced_one_keeps_its_own(target):
    mask = os.umask(0)
    os.umask(mask)
    files.write_bytes(target.with_name("fresh"), b"")
    assert stat.S_IMODE(target.with_name("fresh").stat().st_mode) == 0o666 & ~mask
    target.chmod(0o640)
    files.write_bytes(target, b"")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"folder '.*gone' does not exist"):
        files.write_bytes(tmp_path / "gone" / "a", b"")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MissingFileError, match=r"folder '.*file' does not exist"):
        files.write_bytes(tmp_path / "file" / "a", b"")


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(DiskError, match="is a directory"):
        files.write_bytes(tmp_path / "a", b"")
    only(tmp_path / "a")


@pytest.mark.parametrize("name", ["x" * 240, "dots...", "ünï", "-dash", " space "])
def test_odd_names(tmp_path, name):
    files.write_bytes(tmp_path / name, b"1")
    only(tmp_path / name)


def test_names_that_are_not_utf8(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.bin"))
    files.write_bytes(path, b"1")
    with pytest.raises(MissingFileError) as caught:
        files.write_bytes(path / "b", b"1")
    str(caught.value).encode("utf-8")  # printable


def test_json_goes_there_and_back(tmp_path):
    value = {"name": "Zürich ×", "rows": [1, 2.5, None, True]}
    files.write_json(tmp_path / "a.json", value)
    assert files.read_json(tmp_path / "a.json") == value
    assert (tmp_path / "a.json").read_text("utf-8").endswith("}\n")


def test_nan_is_no_json_and_changes_nothing(target):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(target, {"loss": float("nan")})
    assert target.read_bytes() == b"old content"


@pytest.mark.parametrize("data", [b"{", b"", b"\xff\xfe", b"[1,]"])
def test_what_is_not_json_is_named(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(FormatError, match=r"'.*a\.json' is not JSON"):
        files.read_json(tmp_path / "a.json")


def test_missing_json_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"'.*b\.json' does not exist"):
        files.read_json(tmp_path / "b.json")


def test_toml_is_read_and_what_is_none_is_named(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('[table]\nname = "Zürich"\n', "utf-8")
    assert files.read_toml("load", path) == {"table": {"name": "Zürich"}}
    for data in (b"a = ", b"\xff\xfe", b"[1,]"):
        path.write_bytes(data)
        with pytest.raises(FormatError, match=r"^load: '.*a\.toml' is not TOML: "):
            files.read_toml("load", path)
    with pytest.raises(MissingFileError, match=r"^load: '.*b\.toml' does not exist\.$"):
        files.read_toml("load", tmp_path / "b.toml")
    with pytest.raises(MissingFileError, match=r"^load: it is no run\.$"):
        files.read_toml("load", tmp_path / "b.toml", "it is no run")
