"""``sightline train``: settings from words, options and TOML."""

import json
import re
from pathlib import Path

import pytest

import sightline.train
from sightline.cli.app import main
from sightline.cli.settings import read_config, read_pairs
from sightline.core.errors import FormatError, MissingFileError


class Finished:
    folder = Path("runs/digits-1")

    def to_json(self):
        return {"folder": str(self.folder), "epochs": 3}


@pytest.fixture
def asked(monkeypatch):
    """Return what the engine was asked for."""
    found = {}

    def train(recipe, data, **settings):
        print("chatter")
        found.update(settings, recipe=recipe, data=data)
        return Finished()

    monkeypatch.setattr(sightline.train, "train", train)
    return found


def test_words_are_read_as_toml_values():
    assert read_pairs(["lr=0.01", 'freeze=["stem*"]', "flag=true", "optimizer=sgd", "batch-size=8"]) == {
        "learning_rate": 0.01,
        "freeze": ["stem*"],
        "flag": True,
        "optimizer": "sgd",
        "batch_size": 8,
    }


def test_the_command_line_goes_before_the_file(asked, tmp_path, capsys):
    config = tmp_path / "settings.toml"
    config.write_text('epochs = 9\nlr = 0.5\n[data]\naugment = "rand"\n')
    words = ["train", "classify/mlp", "digits", "lr=0.1", "--epochs", "3", "--batch-size", "16", "--seed", "4"]
    assert main([*words, "--device", "cpu", "--out", "r", "--resume", "--config", str(config), "--json"]) == 0
    assert asked == {
        "recipe": "classify/mlp",
        "data": "digits",
        "learning_rate": 0.1,
        "epochs": 3,
        "batch_size": 16,
        "seed": 4,
        "augment": "rand",
        "device": "cpu",
        "out": Path("r"),
        "resume": True,
        "progress": True,
    }
    out, err = capsys.readouterr()
    assert json.loads(out) == {"folder": "runs/digits-1", "epochs": 3}
    assert err == "chatter\n"


def test_people_are_told_what_next(asked, capsys):
    assert main(["train", "classify/mlp", "digits"]) == 0
    assert "sightline predict runs/digits-1 photo.jpg" in capsys.readouterr().out


def test_a_bad_settings_file_is_named(tmp_path):
    (tmp_path / "bad.toml").write_text("epochs = ")
    with pytest.raises(FormatError, match=r"bad\.toml' is not TOML"):
        read_config(tmp_path / "bad.toml")
    with pytest.raises(MissingFileError, match=r"none\.toml' does not exist"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["classify/resnet81", "digits"], "Did you mean 'classify/resnet18'?"),
        (["classify/mlp", "digits", "epoch=3"], "Did you mean 'epochs'?"),
        (["classify/mlp", "digits", "--learning-rat", "3"], "Did you mean 'learning_rate'?"),
        (["classify/mlp", "digits", "optimizer=adamz"], "Did you mean 'adam'?"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(words, sentence, capsys):
    assert main(["train", *words]) == 2
    assert sentence in capsys.readouterr().err.replace("\n", " ")


def test_a_run_is_trained_again_from_its_own_config(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        'recipe = "classify/mlp"\ndata = "digits"\nsightline = "0.1.0"\n[settings]\nepochs = 3\nseed = 7\n'
        '[options]\nimage_size = 8\n[model]\nmethod = "mlp"\nseed = 9\nclasses = ["a"]\n'
    )
    assert read_config(config) == {"epochs": 3, "seed": 7, "image_size": 8}


def test_advice_trains_nothing(asked, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "classify/mlp", "digits", "--advise", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["recipe"] == "classify/mlp"
    assert value["facts"]["images"].startswith("1")
    assert value["facts"]["time"].startswith("about ")
    assert re.fullmatch(r"[\d,]+ images/s loaded by one process, [\d,]+ learnt", value["facts"]["pace"])
    assert isinstance(value["warnings"], list)
    assert "nearest training picture" in " ".join(value["expected"])
    assert asked == {}
    assert not list(tmp_path.iterdir())
    assert main(["train", "classify/mlp", "digits", "--advise", "--epochs", "2"]) == 0
    assert "for 2 epochs" in capsys.readouterr().out


def test_folds_and_seeds_give_mean_and_deviation(tmp_path, capsys):
    words = ["--folds", "2", "--epochs", "1", "--out", str(tmp_path / "all"), "--hidden", "8", "--device", "cpu"]
    assert main(["train", "classify/mlp", "digits", *words, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert len(value["runs"]) == 2
    assert 0 < value["mean"] < 1
