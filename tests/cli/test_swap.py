"""The demo's folder: made beside its place, never over what others made."""

import pytest

from sightline.cli.swap import check_replaceable, new_folder
from sightline.core.errors import InputError


def make(target, text):
    with new_folder(target) as folder:
        (folder / "file").write_text(text)


def test_a_second_run_replaces_the_first(tmp_path):
    target = tmp_path / "runs" / "demo"
    make(target, "one")
    make(target, "two")
    assert (target / "file").read_text() == "two"
    assert [path.name for path in target.parent.iterdir()] == ["demo"]


def test_a_failure_leaves_the_old_folder(tmp_path):
    target = tmp_path / "demo"
    make(target, "one")

    def fail():
        with new_folder(target) as folder:
            (folder / "file").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (target / "file").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_other_peoples_folders_stay(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("mine")
    with pytest.raises(InputError, match="stays as it is"):
        check_replaceable(tmp_path / "photos")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="not a folder"):
        check_replaceable(tmp_path / "file")


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "demo").mkdir()
    make(tmp_path / "demo", "one")
    assert (tmp_path / "demo" / "file").read_text() == "one"
