"""``sightline attack`` on a run that was really trained: one picture, and the curve with its page."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

import sightline as sl
from sightline.cli.app import main
from sightline.cli.attack import _trained_on
from sightline.core.errors import InputError
from sightline.data import open_dataset
from sightline.image import read


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def run(tmp_path_factory, _one_thread):
    folder = tmp_path_factory.mktemp("runs") / "robust"
    options = {"eps": 0.05, "attack_steps": 1, "augment": "none", "batch_size": 64, "epochs": 2, "threads": 1}
    sl.train("attack/striding_cnn", "digits", out=folder, device="cpu", report=False, progress=False, **options)
    return str(folder)


@pytest.fixture
def digit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, _ = open_dataset("digits").test[0]
    Image.fromarray(image).save("digit.png")
    return "digit.png"


def answer(words, capsys):
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("method", ["fgsm", "pgd", "deep_fool"])
def test_one_picture(method, run, digit, capsys):
    found = answer(["attack", run, digit, "--method", method, "--eps", "0.3"], capsys)
    assert found["output"] == f"digit-{method}.png"
    assert found["before"]["label"] != found["after"]["label"]
    assert 0 < found["largest_change"] <= (1 if method == "deep_fool" else 0.3 + 1e-6)
    sheet = read(found["output"])
    assert sheet.shape == (240, 3 * 240 + 8, 3)
    assert main(["attack", run, digit, "--method", method]) == 0
    assert "largest change of a pixel" in capsys.readouterr().out


def test_a_target(run, digit, capsys):
    nearest = answer(["attack", run, digit, "--method", "deep_fool"], capsys)["after"]["label"]
    found = answer(["attack", run, digit, "--eps", "0.5", "--target", nearest], capsys)
    assert found["after"]["label"] == nearest


def test_the_curve_and_its_page(run, tmp_path, capsys):
    words = ["attack", run, "--images", "8", "--eps", "0.2", "--substitute", run, "--certify", "0.2"]
    found = answer(words, capsys)
    assert found["output"].endswith("robustness.html")
    assert len(found["checks"]) == 5
    with open(found["output"], encoding="utf-8") as page:
        text = page.read()
    assert "Without a bound nothing is right" in text
    assert "What is certain" in text
    assert len(found["certified"]["radii"]) == 8
    assert "<script" not in text
    assert main([*words, "-o", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().out
    assert "transfer" in said
    assert "certified in L2: " in said


@pytest.mark.parametrize("words", [["universal_perturbation", "--eps", "0.3"], ["patch", "--target", "3"]])
def test_one_change_for_many_pictures(words, run, tmp_path, capsys):
    path = tmp_path / "sheet.png"
    words = ["attack", run, "--method", *words, "--images", "24", "-o", str(path)]
    found = answer(words, capsys)
    assert (found["made_from"], found["tried_on"]) == (12, 12)
    assert found["before"] < found["works"] <= 1
    assert read(path).shape == (240, 6 * 240 + 5 * 4, 3)
    assert main(words) == 0
    assert "made from 12 pictures, works on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["RUN", "digit.png", "--target", "12"], 2, "no class is named '12'"),
        (["RUN", "digit.png", "--eps", "-1"], 2, "eps must be a number"),
        (["RUN", "digit.png", "--method", "deep_fool", "-t", "8"], 2, "takes no target"),
        (["RUN", "nothing.png"], 1, "nothing.png"),
        (["RUN", "."], 2, "attack: the image must be one picture; got the folder '.'"),
        (["RUN", "digit.png", "--method", "patch"], 2, "patch is made from many pictures"),
        (["RUN", "--method", "patch"], 2, "patch is made for one class: name it with --target"),
        (["RUN", "--method", "universal_perturbation", "-t", "1"], 2, "goes to any class: no target"),
        (["RUN", "--method", "patch", "-t", "1", "--images", "1"], 2, "needs two pictures or more; 'digits' has 1"),
    ],
)
def test_refusals(words, code, said, run, digit, capsys):
    words = [run if word == "RUN" else word for word in words]
    assert main(["attack", *words]) == code
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_a_model_that_was_not_trained_here_has_no_data():
    with pytest.raises(InputError, match="'resnet18-imagenet' has not been trained here: name an image, or a dataset"):
        _trained_on("resnet18-imagenet")
