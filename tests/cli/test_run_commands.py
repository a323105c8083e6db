"""``sightline evaluate``, ``predict`` and ``explain`` on a run that was really trained, and the demo around them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.apply.explaining import as_heat
from sightline.cli import demo
from sightline.cli.app import main
from sightline.data import open_dataset
from sightline.image import frames, read, write


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    words = ["train", "classify/resnet20", "digits", "image_size=8", "threads=1", "--epochs", "1", "--device", "cpu"]
    assert main([*words, "--out", str(folder), "--json"]) == 0
    return str(folder)


@pytest.fixture
def digit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, _ = open_dataset("digits").test[0]
    Image.fromarray(image).save("digit.png")
    return "digit.png"


def answer(words, capsys):
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_is_not_written_over(run, capsys):
    assert main(["train", "classify/resnet20", "digits", "--out", run]) == 2
    assert "holds a run" in capsys.readouterr().err


def test_evaluate(run, capsys):
    found = answer(["evaluate", run], capsys)
    low, high = found["accuracy_interval"]
    assert 0 <= low <= found["accuracy"] <= high <= 1
    assert found["images"] == 359
    assert main(["evaluate", run, "digits", "--split", "train"]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_predict_gives_one_record_an_image_and_names_broken_ones(run, digit, tmp_path, capsys):
    (row,) = answer(["predict", run, digit, "--out", "drawn"], capsys)
    assert row["source"] == digit
    assert sum(item["score"] for item in row["top"]) == pytest.approx(1, abs=1e-4)
    assert read(row["drawn"]).shape == (8, 8, 3)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    assert main(["predict", run, "broken.png", digit, "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert ["error" in row for row in rows] == [True, False]


def test_predict_by_another_engine(run, digit, capsys):
    scores = {}
    for engine in ("torch", "fused"):
        (row,) = answer(["predict", run, digit, "--engine", engine], capsys)
        scores[engine] = {item["label"]: item["score"] for item in row["top"]}
    assert scores["fused"] == pytest.approx(scores["torch"], abs=1e-4)
    assert main(["predict", run, digit, "--engine", "steam"]) == 2
    assert "fused" in capsys.readouterr().err


def test_predict_for_people(run, digit, capsys):
    assert main(["predict", run, digit]) == 0
    assert capsys.readouterr().out.startswith("digit.png  ")


@pytest.mark.parametrize("method", ["grad_cam", "saliency", "occlusion"])
def test_explain_writes_a_picture(method, run, digit, capsys):
    found = answer(["explain", run, digit, "--method", method, "--target", "3"], capsys)
    assert (found["class"], found["output"]) == ("3", f"digit-{method}.png")
    assert read(found["output"]).std() > 0


def test_imagine_writes_pictures_and_films(run, digit, capsys):
    few = ["--iterations", "2", "--size", "16"]
    found = answer(["imagine", "class", run, "-t", "3", "-o", "three.gif", *few], capsys)
    assert (found["frames"], found["size"]) == (3, [8, 8])
    assert len(list(frames("three.gif"))) == 3
    assert answer(["imagine", "class", run, "-t", "3", "-o", "three.apng", *few], capsys)["frames"] == 3
    assert len(list(frames("three.apng"))) == 3
    for kind, more in (("dream", []), ("inversion", ["--layer", "stages.0.0"]), ("style", ["--style", digit])):
        found = answer(["imagine", kind, run, digit, "-o", f"{kind}.png", *few, *more], capsys)
        assert found["frames"] == 1
        assert read(f"{kind}.png").shape[:2] == read(digit).shape[:2]
    capsys.readouterr()
    for words, sentence in (
        (["class"], "class needs a class"),
        (["dream"], "dream needs a photo"),
        (["style", digit], "style needs a second picture"),
    ):
        assert main(["imagine", words[0], run, *words[1:], "-o", "none.png"]) == 2
        assert sentence in capsys.readouterr().err.replace("\n", " ")


def test_one_strong_pixel_hides_no_others():
    values = np.full((40, 40), 0.1, np.float32)
    values[:5] = 0.0
    values[7, 9] = -100
    heat = as_heat(values, "saliency")
    assert heat[7, 9] == 1
    assert heat[20, 20] == 1
    assert heat[0, 0] == 0
    assert as_heat(values, "grad_cam")[20, 20] == np.float32(0.001)  # of regions: as strong as they are
    values[1:] = 0  # fewer than one in two hundred: the strongest counts
    values[0, 3] = 2
    assert as_heat(values, "saliency")[0, 3] == 1
    assert not as_heat(values * 0, "saliency").any()


@pytest.mark.parametrize("method", ["feature_maps", "filters", "receptive_field"])
def test_explain_shows_what_is_inside(method, run, digit, capsys):
    found = answer(["explain", run, digit, "--method", method], capsys)
    assert found == {"method": method, "images": 1, "output": f"digit-{method}.png"}
    assert read(found["output"]).std() > 0


def test_explain_lays_a_folder_out_as_a_map(run, digit, capsys):
    for name in ("left", "right"):
        Path(name).mkdir()
        for i in range(3):
            write(f"{name}/{i}.png", np.roll(read(digit), i, axis=1))
    found = answer(["explain", run, ".", "--method", "embedding_plot", "-o", "map.html"], capsys)
    page = Path("map.html").read_text("utf-8")
    assert f"{found['images']} pictures, laid out by t-SNE" in page
    assert '"left"' in page
    assert main(["explain", run, digit, "--method", "embedding_plot"]) == 2
    assert "images must be three or more; got 1" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["grad_cam", "eigen_cam"])
def test_what_an_explanation_is_worth(method, run, digit, capsys):
    found = answer(["explain", run, digit, "--method", method, "--sanity"], capsys)
    checked = found["sanity"]
    assert checked["output"] == f"digit-{method}-sanity.png"
    assert checked["correlations"][0] == 1
    assert len(checked["correlations"]) == len(checked["layers"]) + 1
    assert read(checked["output"]).ndim == 3
    assert main(["explain", run, digit, "--method", method, "--sanity"]) == 0
    assert "Like itself when the last layer is forgotten" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["imagine", "class", "RUN", "-t", "3", "-o", "three.xyz"], 2, "must be a folder or end in one of .mp4"),
        (["imagine", "class", "RUN", "-t", "3", "-o", "nowhere/three.gif"], 1, "folder 'nowhere' does not exist"),
        (["imagine", "class", "RUN", "-t", "10", "-o", "ten.png"], 2, "imagine: no class is named '10'"),
        (["explain", "RUN", "digit.png", "--target", "12"], 2, "no class is named '12'"),
        (["explain", "RUN", "digit.png", "--method", "filters", "--sanity"], 2, "filters explains no answer"),
        (["explain", "RUN", "."], 2, "explain: the image must be one picture; got the folder '.'"),
        (["explain", "RUN", ".", "--method", "filters"], 2, "explain: the image must be one picture"),
        (["predict", "RUN"], 2, "is missing"),
        (["predict", "RUN", "nowhere.png"], 1, "'nowhere.png' does not exist"),
        (["predict", "nowhere", "digit.png"], 1, "'nowhere' is not a run"),
        (["evaluate", "RUN", "nowhere"], 1, "'nowhere' is neither a folder or file"),
        (["evaluate", "RUN", "digits", "--split", "tset"], 1, "no split 'tset'"),
    ],
)
def test_what_is_wrong_is_said(words, code, sentence, run, digit, capsys):
    assert main([run if word == "RUN" else word for word in words]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err.replace("\n", " ")


@pytest.mark.slow
def test_the_demo_shows_trains_explains_and_runs_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(demo.SETTINGS, "epochs", 1)
    monkeypatch.setitem(demo.SETTINGS, "image_size", 8)
    assert main(["demo"]) == 0
    assert "sightline predict runs/photos new-photo.jpg" in capsys.readouterr().out
    assert main(["demo", "--json"]) == 0
    out, err = capsys.readouterr()
    summary = json.loads((tmp_path / "runs/demo/summary.json").read_text("utf-8"))
    assert json.loads(out) == summary
    assert summary["interval"][0] <= summary["accuracy"] <= summary["interval"][1]
    assert summary["seconds"] > 0
    report = (tmp_path / "runs/demo/report.html").read_text("utf-8")
    for part in ("A photo is a grid of numbers", "Five filters, step by step", "read and explained", "How it learnt"):
        assert part in report
    assert f"{tmp_path.name}/." not in report
    assert "gaussian_blur" in err
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["demo"]
