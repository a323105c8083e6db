"""Run folders: names, locks, tables."""

from __future__ import annotations

import pytest

from sightline.core.errors import FormatError, InputError
from sightline.train import folder as files
from sightline.train.progress import clock, short


def test_names_count_upwards(tmp_path):
    assert files.claim("my photos", tmp_path / "runs").name == "my-photos-1"
    (tmp_path / "runs/my-photos-7").mkdir()
    assert files.claim("my photos", tmp_path / "runs").name == "my-photos-8"


def test_second_lock_in_one_process_is_refused_and_does_not_release_the_first(tmp_path):
    with files.locked(tmp_path):
        for _ in range(2):
            with pytest.raises(InputError, match="another training uses"), files.locked(tmp_path):
                pass
    with files.locked(tmp_path):
        assert (tmp_path / files.LOCK).exists()


def test_metrics_come_back(tmp_path):
    history = [{"epoch": 1, "train_loss": 0.1}, {"epoch": 2, "train_loss": 0.2, "val_accuracy": None}]
    files.write_metrics(tmp_path, history)
    assert files.read_metrics(tmp_path) == [{**history[0], "val_accuracy": None}, history[1]]


def test_changed_config_is_named(tmp_path):
    (tmp_path / "config.toml").write_text("recipe = ")
    with pytest.raises(FormatError, match=r"config\.toml' is not TOML"):
        files.read_config(tmp_path)
    (tmp_path / "config.toml").write_text('recipe = "toy/mlp"')
    with pytest.raises(FormatError, match="does not say settings, model"):
        files.read_config(tmp_path)


def test_numbers_as_people_say_them():
    assert [short(value) for value in (12, 1500, 11.2e6, 1.8e9, 3e12)] == ["12", "1.5 k", "11.2 M", "1.8 G", "3 T"]
    assert [clock(value) for value in (40, 200, 9000)] == ["40 s", "3 min", "2.5 h"]
