import json

import numpy as np
import pytest
import torch

import sightline as sl
from sightline.core.errors import DataError, InputError
from sightline.core.results import Detections
from sightline.data import DetectionSet, DetectionSplit
from sightline.data.annotation import Annotation
from sightline.detect import recipe as detection
from sightline.train.engine import Diverged
from sightline.train.tensors import load_tensors


def _picture(random, boxes=1):
    """A bright square on a dark ground, and its box."""
    image = random.integers(0, 60, (48, 64, 3)).astype(np.uint8)
    found = []
    for _ in range(boxes):
        side = int(random.integers(14, 26))
        top, left = (int(random.integers(0, limit - side)) for limit in (48, 64))
        image[top : top + side, left : left + side] = 220
        found.append([left, top, left + side, top + side])
    return image, Annotation(np.array(found, float).reshape(-1, 4), np.zeros(len(found), int))


def _set(train=6, test=2, classes=("square",), change=lambda item: item):
    random = np.random.default_rng(0)
    made = [_picture(random) for _ in range(train + test)]
    images, items = [image for image, _ in made], [change(item) for _, item in made]
    names = [f"{i}.png" for i in range(train + test)]
    parts = {"train": slice(0, train), "test": slice(train, train + test)}
    splits = {k: DetectionSplit(images[s], items[s], names[s]) for k, s in parts.items() if items[s]}
    return DetectionSet("squares", classes, splits, "squares", "0" * 64)


def _train(data, out, **settings):
    options = {"epochs": 2, "image_size": 64, "batch_size": 3, "threads": 1, "progress": False, **settings}
    return sl.train("detect/yolo", data, out=out, **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return _train(_set(), tmp_path_factory.mktemp("run") / "squares", epochs=2)


def test_a_run_has_losses_precision_and_a_report(run):
    rows = run.metrics
    assert [row["epoch"] for row in rows] == [1, 2]
    assert {"train_loss", "train_box_loss", "val_map50", "val_map"} <= set(rows[0])
    text = run.report.read_text("utf-8")
    for title in ("Precision against recall", "What it confuses", "Small things and large ones", "Its worst misses"):
        assert title in text
    found = json.loads((run.folder / "evaluation.json").read_text("utf-8"))
    assert found["images"] == 2
    assert found["things"] == 2
    assert 0 <= found["map50"] <= 1


def test_it_predicts_on_pictures_of_any_size(run):
    image = np.zeros((90, 200, 3), np.uint8)
    for result in run.predict([image, image[..., 0]], confidence=0.0):
        assert isinstance(result, Detections)
        assert result.names == ("square",)
        assert (result.boxes >= 0).all()
        assert (result.boxes <= [200, 90, 200, 90]).all()
    whole = run.predict(image, confidence=0.0, tile=80, mirror=True, scales=(1.0, 1.5))
    assert len(whole) <= 300
    assert (np.diff(whole.scores) <= 0).all()


def test_it_is_evaluated_as_it_predicts(run):
    """Looking again, mirrored and larger, is scored by what predicting so finds."""
    looks = {"mirror": True, "scales": (1.0, 1.5)}
    recipe, data = run.predictor.recipe, _set()
    seen = recipe.examine(run.predictor.model, data, "test", **looks)
    found = run.predict([data.test[0][0]], confidence=0.0, **looks)
    assert np.array_equal(seen.found[0].boxes, found[0].boxes)
    assert run.evaluate(data, "test", **looks)["things"] == 2
    with pytest.raises(InputError, match=r"evaluate: detect/yolo has no option 'miror'. Did you mean 'mirror'"):
        run.evaluate(data, miror=True)


def test_unknown_options_of_predict_name_the_nearest(run):
    with pytest.raises(InputError, match=r"no option 'confidense'. Did you mean 'confidence'"):
        run.predict(np.zeros((32, 32, 3), np.uint8), confidense=0.5)
    with pytest.raises(InputError, match="predict: tile must be a whole number"):
        run.predict(np.zeros((32, 32, 3), np.uint8), tile=0.5)


@pytest.mark.slow
def test_a_resumed_run_ends_bit_for_bit_the_same(run, tmp_path, monkeypatch):
    from sightline.train import engine

    finish, calls = engine.Engine._finish_epoch, []

    def stop_after_one(self, *arguments):
        finish(self, *arguments)
        calls.append(1)
        raise engine.Stopped

    monkeypatch.setattr(engine.Engine, "_finish_epoch", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        _train(_set(), tmp_path / "again", report=False)
    monkeypatch.setattr(engine.Engine, "_finish_epoch", finish)
    again = _train(_set(), tmp_path / "again", report=False, resume=True)
    assert calls == [1]
    drop = {"seconds", "images_per_second"}
    rows = [[{k: v for k, v in row.items() if k not in drop} for row in one.metrics] for one in (run, again)]
    assert rows[0] == rows[1]
    weights = [load_tensors(one.folder / "checkpoints" / "last.safetensors")[0] for one in (run, again)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_a_loss_that_is_no_number_stops_with_the_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(detection.DetectRecipe, "losses", lambda self, model, batch: _nan(model))
    with pytest.raises(Diverged, match=r"no longer a number .* The batch is kept in .*diverged.safetensors"):
        _train(_set(), tmp_path / "nan", report=False)
    tensors, about, _ = load_tensors(tmp_path / "nan" / "diverged.safetensors")
    assert tensors["image"].shape == (3, 3, 64, 64)
    assert "targets.0.boxes" in tensors
    assert about["step"] == 0


def _nan(model):
    return {"loss": next(model.parameters()).sum() * torch.nan}


@pytest.mark.slow
def test_one_picture_is_learnt_and_said_to_be_too_few(tmp_path):
    data = _set(train=1, test=0)
    recipe = detection.DetectRecipe.open("yolo", data, 0, {"image_size": 64})
    assert any("Too few pictures" in text for text in recipe.plan().warnings)
    assert len(_train(data, tmp_path / "one", epochs=1, report=False).metrics) == 1


def test_advice_and_refusals():
    empty = _set(change=lambda item: item.take([]))
    with pytest.raises(DataError, match="none of the 6 training pictures of 'squares' has a box"):
        detection.DetectRecipe.open("yolo", empty, 0, {})
    flat = _set(change=lambda item: Annotation(item.boxes[:, [0, 1, 0, 3]], item.labels))
    with pytest.raises(DataError, match="every box of 'squares' has no area"):
        detection.DetectRecipe.open("yolo", flat, 0, {})
    unseen = detection.DetectRecipe.open("yolo", _set(classes=("square", "circle")), 0, {})
    assert any("No training picture shows circle" in text for text in unseen.plan().warnings)
    with pytest.raises(InputError, match=r"image_size must be a multiple of 32; got 50. Use 64"):
        detection.DetectRecipe.open("yolo", _set(), 0, {"image_size": 50})
    with pytest.raises(InputError, match=r"no setting is named 'mosaik'. Did you mean 'mosaic'"):
        detection.DetectRecipe.open("yolo", _set(), 0, {"mosaik": 1})


def test_the_best_epoch_is_the_one_of_the_metric_that_is_asked_for():
    assert detection.DetectRecipe.open("yolo", _set(), 0, {}).metric == "map50"
    assert detection.DetectRecipe.open("yolo", _set(), 0, {"metric": "map"}).metric == "map"
    with pytest.raises(InputError, match="metric must be"):
        detection.DetectRecipe.open("yolo", _set(), 0, {"metric": "ap"})


def test_samples_depend_on_seed_epoch_and_index_alone():
    recipe = detection.DetectRecipe.open("yolo", _set(), 0, {"image_size": 64})
    one, other = recipe.training().sample(2, 1), recipe.training().sample(2, 1)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert one["image"].shape == (64, 64, 3)
    assert not np.array_equal(one["image"], recipe.training().sample(2, 2)["image"])


def test_boxes_follow_the_pixels():
    recipe = detection.DetectRecipe.open("yolo", _set(), 0, {"image_size": 64, "colour": 0.0})
    training = recipe.training()
    for epoch in range(12):
        for index in range(len(training)):
            sample = training.sample(index, epoch)
            for x1, y1, x2, y2 in np.rint(sample["boxes"]).astype(int):
                assert sample["image"][y1 + 1 : y2 - 1, x1 + 1 : x2 - 1].mean() > 190


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name in detection.METHODS if name not in ("yolo", "darknet")])
def test_every_detector_learns_through_the_same_recipe(method, tmp_path):
    settings = {"epochs": 1, "image_size": 64, "batch_size": 2, "threads": 1, "progress": False, "report": False}
    run = sl.train(f"detect/{method}", _set(train=4), out=tmp_path / method, **settings)
    assert np.isfinite(run.metrics[0]["train_loss"])
    assert isinstance(run.predict(np.zeros((50, 80, 3), np.uint8)), Detections)
