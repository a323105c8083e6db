"""Where images come from."""

import io
import sys

import pytest
from PIL import Image

from sightline.cli.sources import find_sources
from sightline.core.errors import DataError, FormatError, MissingFileError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a.jpg", "sub/c.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (3, 2)).save(path)
    (tmp_path / "notes.md").write_text("no image")
    return tmp_path


def names(*words):
    return [source.name for source in find_sources(words)]


def test_files_patterns_and_folders_come_in_order(folder):
    assert names("b.png", "*.jpg") == ["b.png", "a.jpg"]
    assert [name.split("/")[-1] for name in names(".")] == ["a.jpg", "b.png", "c.png"]


def test_a_list_names_paths_relative_to_itself(folder):
    (folder / "sub" / "list.txt").write_text("c.png\n\n../b.png\n")
    assert [source.read().shape for source in find_sources(["sub/list.txt"])] == [(2, 3, 3), (2, 3, 3)]


def feed(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_stdin_holds_an_image_or_a_list(folder, monkeypatch):
    feed(monkeypatch, (folder / "b.png").read_bytes())
    (source,) = find_sources(["-"])
    assert (source.stem, source.read().shape) == ("stdin", (2, 3, 3))
    feed(monkeypatch, b"a.jpg\nb.png\n")
    assert names("-") == ["a.jpg", "b.png"]


def test_a_grey_file_stays_grey_and_transparency_becomes_white(folder):
    Image.new("L", (3, 2)).save("grey.png")
    Image.new("RGBA", (3, 2)).save("clear.png")
    grey, clear = (source.read("stored") for source in find_sources(["grey.png", "clear.png"]))
    assert grey.shape == (2, 3)
    assert clear.shape == (2, 3, 3)
    assert clear.min() == 255


def test_what_is_missing_is_named(folder, monkeypatch):
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="'empty' holds no image"):
        find_sources(["empty"])
    with pytest.raises(MissingFileError, match=r"'x\.png' does not exist"):
        find_sources(["x.png"])
    feed(monkeypatch, b"")
    with pytest.raises(FormatError, match="stdin is empty"):
        find_sources(["-"])


def test_no_two_files_have_one_stem(folder):
    for name in ("a/x.png", "a/x.jpg", "b/X.png", "a-x-png.png", "y.png"):
        path = folder / "many" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(path)
    found = {source.name.partition("many")[2]: source.stem for source in find_sources(["many", "many/y.png"])}
    assert found["/b/X.png"] == "b-X"
    assert found["/a/x.jpg"] == "a-x-jpg"
    assert found["/y.png"] == "y"
    assert len({stem.casefold() for stem in found.values()}) == len(found) == 5


def test_a_file_named_twice_keeps_its_stem(folder):
    assert [source.stem for source in find_sources(["b.png", "./b.png"])] == ["b", "b"]
