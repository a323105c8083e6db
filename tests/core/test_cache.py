"""The user's cache keeps what takes long to make, and is never in the way."""

from pathlib import Path

import pytest

from sightline.core.cache import cache_folder, cached_text


def test_the_folder_is_where_the_system_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/sightline")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "sightline"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "sightline"


def test_a_text_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return f"text {len(made)}"

    assert cached_text(tmp_path / "sub" / "script-bash-1", make) == "text 1"
    assert cached_text(tmp_path / "sub" / "script-bash-1", make) == "text 1"
    (tmp_path / "sub" / "script-zsh-1").write_text("of another shell")
    assert cached_text(tmp_path / "sub" / "script-bash-2", make) == "text 2"
    assert sorted(path.name for path in (tmp_path / "sub").iterdir()) == ["script-bash-2", "script-zsh-1"]


def test_without_a_place_it_is_made_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for _ in range(2):
        assert cached_text(tmp_path / "file" / "script-1", lambda: "text") == "text"
