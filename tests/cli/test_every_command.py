"""Every image command answers what is wrong with one sentence and exit code 1 or 2, and leaves nothing half written."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.apply.inputs import FILE_KINDS
from sightline.cli.app import main
from sightline.cli.image import command_of, has_command
from sightline.core.index import Entry, entries
from sightline.image import subband_encode

COMMANDS = [entry for entry in entries("image") if has_command(entry)]
SOURCES = {
    "text": "a word",
    "bytes": "stream.bin",
    "points": "0,4; 3,0.5; 8,-1; 13,1; 14,5; 9,9; 3,8",
    "images": "colour.png",
}
BROKEN = ("broken.jpg", "text.jpg", "missing.png", "zero.png", "emptyfolder", "empty.txt", "")
BROKEN_POINTS = (
    "words",
    "",
    "missing.npy",
    "broken.npy",
    "objects.npy",
    "words.csv",
    "nan,nan; 1,2",
    "1,2",
    "cube.npy",
)
# Each option of a command takes the first ones, and one of the others in turn.
NUMBERS, MORE_NUMBERS = ("nan",), ("-1", "inf", "words", "", "1e30", "-3,4", "nan,inf")
FILES, MORE_FILES = (
    ("missing.png", "tiny.png", "nan.npy"),
    (
        "text.jpg",
        "broken.jpg",
        "one.png",
        "broken.npy",
        "objects.npy",
        "cube.npy",
        "words.csv",
        "emptyfolder",
        "words",
        "",
    ),
)


def gray_picture() -> np.ndarray:
    y, x = np.mgrid[0:40, 0:48]
    return (127 + 60 * np.sin(x / 3) + 60 * np.cos(y / 4)).astype(np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of good and of broken files."""
    folder = tmp_path_factory.mktemp("commands")
    gray = gray_picture()
    colour = np.stack([gray, gray[::-1], 255 - gray], axis=2)
    pictures = {"gray": gray, "colour": colour, "one": gray[:1, :1], "one_rgb": colour[:1, :1], "tiny": gray[:5, :3]}
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / f"{name}.png")
    Image.fromarray(colour).save(folder / "whole.jpg")
    (folder / "broken.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:600])
    (folder / "whole.jpg").unlink()
    texts = {
        "text.jpg": "A letter.\n" * 30,
        "zero.png": "",
        "empty.txt": "",
        "words.csv": "a,b\n",
        "broken.npy": "junk",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "emptyfolder").mkdir()
    arrays = {"nan": np.full((40, 48), np.nan), "objects": np.array(["a", "b"]), "cube": np.zeros((2, 3, 4, 5))}
    for name, array in arrays.items():
        np.save(folder / name, array)
    (folder / "stream.bin").write_bytes(subband_encode(gray))
    return folder


class Command:
    """One command with a source and options that work, run in the folder of files."""

    def __init__(self, entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
        self.entry, self.capsys = entry, capsys
        self.kind = entry.parameters[0].kind
        self.taken = set(command_of(entry).__signature__.parameters)
        self.source = SOURCES.get(self.kind, "gray.png")
        self.options = self._example()
        self.before = set(Path().iterdir())
        if self.kind not in SOURCES and self.run("gray.png") != 0:
            self.source = "colour.png"
        assert self.run(self.source) == 0, self.said

    def _example(self) -> dict[str, list[str]]:
        """Return the example's options as words; arrays are written to files."""
        gray = gray_picture()
        first = {"mask": gray > 127, "labels": gray.astype(np.int32), "points": None, "text": None}.get(self.kind, gray)
        kinds = {parameter.name: parameter.kind for parameter in self.entry.parameters[1:]}
        return {
            name: self._words(name, kinds[name], value)
            for name, value in self.entry.method.arguments(first).items()
            if name in kinds and name in self.taken
        }

    def _words(self, name: str, kind: str, value: Any) -> list[str]:
        option, file = f"--{name}", f"{self.entry.name}-{name}"
        if isinstance(value, np.ndarray) and kind in ("image", "mask"):
            Image.fromarray(value.astype(np.uint8) * np.uint8(255 if value.dtype == bool else 1)).save(f"{file}.png")
            return [f"{option}={file}.png"]
        if isinstance(value, np.ndarray):
            np.save(file, value.astype(np.uint8) if value.dtype == bool else value)
            return [f"{option}={file}.npy"]
        if isinstance(value, (tuple, list)):
            if kind == "other":
                return [option, *map(str, value)]
            rows = value if isinstance(value[0], (tuple, list)) else [value]
            return [f"{option}={'; '.join(','.join(map(str, row)) for row in rows)}"]
        return [f"{option}={value}"]

    def run(self, source: str, changed: dict[str, str] | None = None) -> int:
        """Run it and return the exit code; what it leaves and says is checked."""
        options = self.options | {name: [f"--{name}={word}"] for name, word in (changed or {}).items()}
        words = ["image", self.entry.name, source, *itertools.chain(*options.values())]
        if self.kind == "images":
            words.insert(3, source)
        code = main(words)
        self.said = f"{words}: {code} {self.capsys.readouterr().err}"
        left = sorted(set(Path().iterdir()) - self.before)
        for name in left:
            name.unlink()
        assert code in (0, 1, 2), self.said
        assert not any(word in self.said for word in ("Unexpected", "Traceback", "Warning")), self.said
        if code:
            assert len(self.said.strip().splitlines()) == 1, self.said
            assert self.said.rstrip().endswith((".", "?")), self.said
            assert not left, f"{self.said} left {left}"
        return code


@pytest.fixture
def command(method: Entry, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(files)
    return Command(method, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("method", COMMANDS, ids=lambda entry: entry.name)
def test_a_wrong_source_or_option_is_one_sentence(method: Entry, command: Command) -> None:
    turn = COMMANDS.index(method)
    if command.kind == "points":
        for source in BROKEN_POINTS:
            command.run(source)
    elif command.kind != "text":
        every = COMMANDS[0] is method or command.kind in SOURCES
        for source in BROKEN if every else (BROKEN[turn % 2], BROKEN[2 + turn % len(BROKEN[2:])]):
            assert command.run(source) != 0, command.said
        for source in ("one.png", "one_rgb.png"):
            command.run(source)
    for place, option in enumerate(option for option in method.parameters[1:] if option.name in command.taken):
        number = (NUMBERS, MORE_NUMBERS)
        first, others = {
            "choice": ((), ("nonsense", "")),
            "bool": (("maybe",), ("",)),
            **dict.fromkeys(FILE_KINDS, (FILES, MORE_FILES)),
        }.get(option.kind, number)
        for word in (*first, others[(turn + place) % len(others)]):
            code = command.run(command.source, {option.name: word})
            if option.kind in ("choice", "bool") or (option.kind in ("int", "float") and word in ("nan", "words", "")):
                assert code != 0, command.said
    assert command.run(command.source, {"steps": "nowhere/steps.html"}) != 0, command.said
    if turn % 5 == 0:
        assert command.run(command.source, {"output": "nowhere/result.png"}) != 0, command.said
