"""``sightline imagine style`` with a network of one painting: trained, kept, and put to pictures, folders and films."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sightline.apply.painting import painted
from sightline.cli import painting
from sightline.cli.app import main
from sightline.cli.terminal import OK
from sightline.explain import StyleNet
from sightline.image import frames, read, write, write_frames

FEW = ["--iterations", "4", "--size", "32", "--width", "4"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    words = ["train", "classify/resnet20", "digits", "image_size=8", "threads=1", "--epochs", "1", "--device", "cpu"]
    assert main([*words, "--out", str(folder), "--json"]) == OK
    return str(folder)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Make a folder of three photos, a painting and a saved network in the folder that the test is in."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    random = np.random.default_rng(1)
    for name, width in (("a", 40), ("b", 24), ("c", 32)):
        write(f"photos/{name}.png", random.integers(0, 256, (30, width, 3), np.uint8))
    write("wave.png", random.integers(0, 256, (20, 30, 3), np.uint8))
    torch.manual_seed(0)
    StyleNet(4).save("net.safetensors")
    return "photos"


def answer(words, capsys, code=OK):
    capsys.readouterr()
    assert main([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_network_learns_a_painting_and_paints(run, photos, capsys):
    Path("photos/broken.png").write_bytes(b"\x89PNG no more")
    words = ["imagine", "style", run, photos, "--style", "wave.png", "-o", "wave.safetensors", *FEW]
    found = answer(words, capsys)
    assert (found["photos"], found["iterations"], found["output"]) == (3, 4, "wave.safetensors")
    assert found["left_out"] == [str(Path("photos/broken.png"))]
    assert all(loss > 0 for loss in found["loss"])
    net = StyleNet.load("wave.safetensors")
    assert (net.width, net.channels) == (4, 1)  # as grey as the digits that its judge was trained on
    made = answer(["imagine", "style", "wave.safetensors", "photos/a.png", "-o", "painted.png"], capsys)
    assert made["size"] == [40, 30]
    np.testing.assert_array_equal(read("painted.png", mode="gray"), painted(net, read("photos/a.png")))
    assert main(words) == OK
    out, err = capsys.readouterr()
    assert "Paint with it: sightline imagine style wave.safetensors" in out
    assert "4 steps on 3 photos take about" in err
    assert not list(Path().glob(".*"))  # no half-written file is left


def test_a_folder_becomes_a_folder(photos, capsys):
    rows = answer(["imagine", "style", "net.safetensors", photos, "-o", "made", "--size", "24"], capsys)
    assert [Path(row["output"]).name for row in rows] == ["a-net.png", "b-net.png", "c-net.png"]
    assert [read(row["output"]).shape for row in rows] == [(18, 24, 3), (24, 19, 3), (22, 24, 3)]
    write("photos/tiny.png", np.zeros((5, 9, 3), np.uint8))
    rows = answer(["imagine", "style", "net.safetensors", photos, "-o", "made"], capsys, code=1)
    assert ["error" in row for row in rows] == [False, False, False, True]


def test_a_film_is_painted_frame_by_frame(photos, capsys):
    clip = np.random.default_rng(2).integers(0, 256, (5, 24, 32, 3), np.uint8)
    write_frames("clip.gif", clip, fps=10)
    words = ["imagine", "style", "net.safetensors", "clip.gif", "-o", "painted.gif"]
    assert answer([*words, "--every", "2", "--limit", "2"], capsys)["frames"] == 2
    assert [frame.shape for frame in frames("painted.gif")] == [(24, 32, 3)] * 2
    assert main(["imagine", "style", "net.safetensors", "clip.gif", "-o", "clip.gif"]) == 2
    assert "must not be the source" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_learnt(run, photos, monkeypatch, capsys):
    def broken_off(*_, **__):
        for _ in range(2):
            yield StyleNet(4), 1.0
        raise KeyboardInterrupt

    monkeypatch.setattr(painting, "learning", broken_off)
    words = ["imagine", "style", run, photos, "--style", "wave.png", "-o", "half.safetensors"]
    found = answer(words, capsys, code=1)
    assert (found["iterations"], found["trouble"]) == (2, "interrupted")
    assert not StyleNet.load("half.safetensors").training


def test_times_are_said_in_units_of_their_own():
    assert [painting._spoken(seconds) for seconds in (0.2, 40, 300, 9000)] == ["1 s", "40 s", "5 min", "2.5 h"]


NET, LEARN = ["net.safetensors", "photos/a.png"], ["RUN", "photos", "--style", "wave.png", "-o", "new.safetensors"]
WRONG = {
    "folder as style": (["RUN", "photos/a.png", "--style", "photos", "-o", "x.png"], "got the folder 'photos'"),
    "folder as photo": (["RUN", "photos", "--style", "wave.png", "-o", "x.png"], "the photo must be one picture"),
    "pattern as style": (["RUN", "photos", "--style", "photos/*.png", "-o", "x.png"], "'photos/*.png' names 3"),
    "no photos": (["RUN", "--style", "wave.png", "-o", "new.safetensors"], "learns on photos"),
    "no style": (["RUN", "photos", "-o", "new.safetensors"], "style needs a second picture"),
    "no steps": ([*LEARN, "--iterations", "0"], "--iterations must be"),
    "too small": ([*LEARN, "--size", "20"], "--size must be"),
    "too wide": ([*LEARN, "--width", "100"], "--width must be"),
    "weight": ([*LEARN, "--style-weight", "-1"], "--style-weight must be"),
    "width of nothing": ([*NET, "-o", "x.png", "--width", "8"], "--width is for style that trains"),
    "style twice": ([*NET, "-o", "x.png", "--style", "wave.png"], "has learnt its painting: leave --style out"),
    "network of a network": ([*NET, "-o", "new.safetensors"], "trains a network"),
    "nothing to paint": (["net.safetensors", "-o", "x.png"], "style needs a photo"),
    "several into one": (["net.safetensors", "photos", "-o", "x.png"], "--output must be a folder"),
    "every": ([*NET, "-o", "x.png", "--every", "0"], "--every must be"),
    "size": ([*NET, "-o", "x.png", "--size", "4"], "--size must be"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(case, run, photos, capsys):
    words, sentence = WRONG[case]
    capsys.readouterr()
    assert main(["imagine", "style", *(run if word == "RUN" else word for word in words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err.replace("\n", " ")
    assert not Path("x.png").exists()
    assert not Path("new.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["dream", "net.safetensors", "photos/a.png"], 2, "dream needs a run or a name of the zoo"),
        (["style", "none.safetensors", "photos/a.png"], 1, "'none.safetensors' does not exist"),
        (["style", "other.safetensors", "photos/a.png"], 1, "not a safetensors file"),
    ],
)
def test_a_file_that_is_no_network_of_a_painting(words, code, sentence, photos, capsys):
    Path("other.safetensors").write_bytes(b"none")
    assert main(["imagine", *words, "-o", "x.png"]) == code
    assert sentence in capsys.readouterr().err.replace("\n", " ")


def test_the_folder_to_write_to_must_be_there(run, photos, capsys):
    Path("full.safetensors").mkdir()
    for output, code, sentence in (("full.safetensors", 2, "must be a file"), ("no/x.safetensors", 1, "'no' does not")):
        assert main(["imagine", "style", run, photos, "--style", "wave.png", "-o", output]) == code
        assert sentence in capsys.readouterr().err.replace("\n", " ")
