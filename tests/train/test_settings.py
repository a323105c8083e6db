"""Settings from words, dicts and TOML."""

from __future__ import annotations

import tomllib

import pytest

from sightline.core.errors import InputError
from sightline.train.settings import Settings, split
from sightline.train.toml import to_toml


def test_words():
    settings = Settings.from_words(["epochs=20", "learning-rate=3e-4", "freeze=stem*,body", "ema=0", "log=tensorboard"])
    assert settings == Settings(epochs=20, learning_rate=3e-4, freeze=("stem*", "body"), log=("tensorboard",))


def test_round_trip_through_toml():
    settings = Settings(epochs=7, freeze=("a*", "b"), schedule="one_cycle", learning_rate=1e-5, ema=0.999)
    assert Settings.from_dict(tomllib.loads(to_toml(settings.to_dict()))) == settings


def test_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no setting is named 'batchsize'. Did you mean 'batch_size'"):
        Settings.from_words(["batchsize=3"])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epochs": 0}, "train: epochs must be a whole number ≥ 1; got 0"),
        ({"epochs": "many"}, "train: epochs must be a number; got 'many'"),
        ({"epochs": 1.5}, "train: epochs must be a whole number ≥ 1; got float 1.5"),
        ({"epochs": True}, "train: epochs must be a whole number"),
        ({"learning_rate": 0}, "train: learning_rate must be a number > 0"),
        ({"learning_rate": float("nan")}, "train: learning_rate must be a number > 0"),
        ({"optimizer": "adamv"}, "must be one of .* got 'adamv'. Did you mean 'adam"),
        ({"device": "gpu"}, "device must be auto, cpu"),
        ({"freeze": 3}, "train: freeze must be words; got int 3"),
        ({"schedule": 3}, "train: schedule must be a word; got int 3"),
        ({"lr": 0.1, "learning_rate": 0.2}, "learning_rate is given twice"),
        ({"ema": 1.5}, "train: ema must be a number in 0–1; got 1.5"),
    ],
)
def test_bad_values_are_one_sentence(values, sentence):
    with pytest.raises(InputError, match=sentence):
        Settings.from_dict(values)


def test_split_leaves_the_recipes_options():
    known, rest = split({"lr": "0.1", "image_size": 32})
    assert known == {"learning_rate": 0.1}
    assert rest == {"image_size": 32}


def test_words_without_a_sign():
    with pytest.raises(InputError, match="settings must be name=value; got 'epochs'"):
        Settings.from_words(["epochs"])


def test_toml_keeps_every_value():
    table = {
        "text": 'a "quoted" \\ line\nbreak \x7f é',
        "whole": -3,
        "real": 1e-30,
        "odd key": float("inf"),
        "yes": True,
        "list": [1.5, [1, 2], ["a"]],
        "section": {"inner": {"deep": [{"a": 1}]}, "empty": []},
    }
    assert tomllib.loads(to_toml(table)) == table


def test_toml_has_no_none():
    with pytest.raises(InputError, match="got NoneType None"):
        to_toml({"a": None})
