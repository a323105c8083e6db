"""The index tells of every method what the method itself tells, and imports only what changed."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sightline.core import index
from sightline.core.catalogue import methods
from sightline.core.errors import InputError, MissingExtraError
from sightline.core.files import write_text
from sightline.core.index import SHIPPED, Index, entries


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the index as it is today; return the file."""
    folder = tmp_path_factory.mktemp("index")
    made = Index(folder=folder / "kept")
    made.refresh()
    made.write(folder / "catalogue.json")
    return folder / "catalogue.json"


def changed(file: Path, monkeypatch: pytest.MonkeyPatch, module: str, **what: Any) -> None:
    """Let the shipped index be ``file``, with a row of ``module`` as it was for another source."""
    held = json.loads(file.read_text("utf-8"))
    held["modules"][module] |= {"digest": "of another source", **what}
    target = file.with_name("changed.json")
    target.write_text(json.dumps(held), "utf-8")
    monkeypatch.setattr(index, "SHIPPED", target)


def test_the_file_that_travels_with_the_package_says_what_the_methods_say(fresh: Path) -> None:
    before, today = (json.loads(path.read_text("utf-8"))["modules"] for path in (SHIPPED, fresh))
    if SHIPPED.read_bytes() != fresh.read_bytes():  # of other sources at least
        write_text(SHIPPED, fresh.read_text("utf-8"))
    told = [{module: row["methods"] for module, row in modules.items()} for modules in (before, today)]
    assert told[0] == told[1], f"{SHIPPED.name} was not what the methods say. It is now: commit it with them."


def test_an_entry_tells_what_its_method_tells(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SHIPPED", tmp_path / "none.json")
    read_off = Index(folder=tmp_path)
    read_off.refresh()
    read_off.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text("utf-8") == fresh.read_text("utf-8")
    found = read_off.entries()
    assert [(e.field, e.name) for e in found] == [(m.field, m.name) for m in methods()]
    for entry, method in zip(found, methods(), strict=True):
        assert entry.to_json() == method.to_json()
        assert (entry.returns, entry.is_object) == (method.returns, method.is_object)
        assert set(entry.example) == set(method.example)
    assert found[0].method is methods()[0]


def test_what_changed_is_read_anew_and_kept(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(fresh, monkeypatch, "sightline.image.canny", methods=[])
    first = Index(["image"], tmp_path)
    assert first.stale == ["sightline.image.canny"]
    assert "canny" not in {entry.name for entry in first.entries()}
    first.refresh()
    assert first.stale == []
    assert "canny" in {entry.name for entry in first.entries()}
    assert Index(["image"], tmp_path).stale == []
    (tmp_path / "catalogue.json").write_text("{", "utf-8")
    assert Index(["image"], tmp_path).stale == ["sightline.image.canny"]


def test_what_is_built_on_a_changed_class_is_stale(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SHIPPED", fresh)
    told = index._source_digest
    other = "sightline.learn.layers.recurrent"
    monkeypatch.setattr(index, "_source_digest", lambda name: b"new" if name == other else told(name))
    assert "sightline.learn.layers.lstm" in Index(["learn"], fresh.parent / "empty").stale


def test_nothing_is_imported_where_nothing_changed(fresh: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sightline.core import index; "
        "index.SHIPPED = Path(sys.argv[1]); found = index.entries(None, Path(sys.argv[2])); "
        "print(len(found), {'torch', 'numba', 'sightline.image.canny'} & set(sys.modules)); "
        "print(next(e for e in found if e.name == 'canny').method.function.__name__)"
    )
    words = [sys.executable, "-c", code, str(fresh), str(tmp_path)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\n")
    assert said[:2] == [f"{len(methods())} set()", "canny"]


def test_a_cache_that_cannot_be_written_is_no_matter(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(fresh, monkeypatch, "sightline.image.canny")
    (tmp_path / "file").write_text("")
    assert "canny" in {entry.name for entry in entries("image", tmp_path / "file" / "sub")}


def test_what_needs_a_missing_extra_is_left_out(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(fresh, monkeypatch, "sightline.classify.vit", methods=[])
    load, missing = importlib.import_module, "torch"

    def without(name: str) -> Any:
        if name.endswith(".vit"):
            raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)
        return load(name)

    monkeypatch.setattr(index.importlib, "import_module", without)
    assert "vit" not in {entry.name for entry in entries("classify", tmp_path)}
    monkeypatch.setattr(index, "SHIPPED", fresh)
    entry = next(entry for entry in entries("classify", tmp_path) if entry.name == "vit")
    with pytest.raises(MissingExtraError, match="pip install"):
        _ = entry.method
    changed(fresh, monkeypatch, "sightline.classify.vit")
    missing = "nonsense"
    with pytest.raises(ModuleNotFoundError, match="nonsense"):
        entries("classify", tmp_path)


def test_a_field_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="Did you mean 'image'"):
        entries("imge")
