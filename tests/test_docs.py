"""What the pages say is run: the docs' sessions, and CONTRIBUTING's method, from file to contracts."""

from __future__ import annotations

import doctest
import inspect
import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

import contracts
import sightline as sl
from sightline.cli.app import build
from sightline.core.catalogue import _methods, methods
from sightline.core.errors import InputError

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sessions_in_the_pages_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text("utf-8").replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(test)
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_pages_exist(page: Path) -> None:
    for name in sorted(set(re.findall(r"\bsl\.([a-z_]\w*(?:\.[a-z_]\w*)*)", page.read_text("utf-8")))):
        found: object = sl
        for part in name.split("."):
            if not (inspect.ismodule(found) or inspect.isclass(found)):
                break  # what a result has is said by its own page
            found = getattr(found, part)  # AttributeError names what is not there


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_commands_in_the_pages_exist(page: Path) -> None:
    known = {p.stem for p in (ROOT / "src/sightline/cli").glob("*.py")} | {"image", "methods", "evidence"}
    for command in re.findall(r"^\$ sightline (\w+)", page.read_text("utf-8"), re.MULTILINE):
        assert command in known, f"{page.name}: sightline {command}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_pages_are_understood(page: Path) -> None:
    for line in re.findall(r"^\$ sightline (.+)$", page.read_text("utf-8"), re.MULTILINE):
        words = shlex.split(line.partition(" | ")[0], comments=True)
        build().parse_args(words, exit_on_error=False, print_error=False)  # an option left out or misnamed raises


@pytest.mark.parametrize("method", methods(), ids=lambda m: f"{m.field}.{m.name}")
def test_examples_in_docstrings_run(method: object) -> None:
    function = method.function
    finder = doctest.DocTestFinder(recurse=False)
    for test in finder.find(function, method.name, globs=dict(vars(sys.modules[function.__module__]))):
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


def test_the_method_in_contributing_keeps_every_contract(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "invert.py").write_text(blocks[0])
    try:
        scope = runpy.run_path(str(folder / "invert.py"), run_name="sightline.image.invert")
        entry = _methods["image", "invert"]
        for contract in (*contracts.STRUCTURE, *contracts.PIXELS):
            contract(entry)
        assert int(scope["invert"](np.zeros((2, 2), np.uint8))[0, 0]) == 255
        with pytest.raises(InputError, match="invert: image must be"):
            scope["invert"](np.zeros((2, 2)))
    finally:
        _methods.pop(("image", "invert"), None)


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    links = runpy.run_path(str(ROOT / "docs" / "links.py"))
    (tmp_path / "a.html").write_text("<a href='b.html#here'>b</a><a href='https://example.org'>out</a>")
    (tmp_path / "b.html").write_text("<p id='here'><img src='x.png'>")
    (tmp_path / "x.png").write_bytes(b"")
    assert links["broken"](tmp_path) == []
    (tmp_path / "a.html").write_text("<a href='b.html#there'>b</a><script src='https://example.org/x.js'></script>")
    (tmp_path / "x.png").unlink()
    assert [line.split()[1] for line in links["broken"](tmp_path)] == ["loads", "leads", "leads"]


def test_the_five_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name in ("photo.jpg", "yard.jpg", *(f"photos/{c}/{i}.png" for c in ("cat", "dog") for i in range(10))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        sl.write(tmp_path / name, random.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    shown: list[np.ndarray] = []
    monkeypatch.setattr(sl, "show", shown.append)
    text = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"## Five lines\n\n```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "five.py").write_text(block.replace("epochs=20", "epochs=1, image_size=32, progress=False"))
    scope = runpy.run_path(str(tmp_path / "five.py"))
    assert scope["edges"].dtype == np.bool_
    assert (tmp_path / "runs" / "photos-1" / "report.html").exists()
    assert shown[0].shape == (24, 24, 3)
