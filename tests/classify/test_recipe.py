from __future__ import annotations

import tomllib

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import sightline as sl
from sightline.classify.options import Options
from sightline.classify.prepare import Form, Prepared, choose_form
from sightline.classify.recipe import METHODS, ClassifyRecipe
from sightline.core.errors import DataError, InputError
from sightline.core.files import read_json
from sightline.data import ImageSet, Split
from sightline.nn.branches import Supervised
from sightline.train.settings import Settings
from sightline.train.toml import to_toml
from sightline.train.train import Interrupted


def _shades(counts, *, shape=(8, 8), names=("dark", "light"), seed=0, splits=("train", "test")):
    """A set whose class is the brightness of the image."""
    random = np.random.default_rng(seed)
    made = {}
    for name in splits:
        labels = np.repeat(np.arange(len(counts)), counts)
        images = (labels[:, None, None, None] * 120 + random.integers(0, 100, (len(labels), *shape, 1))).astype(
            np.uint8
        )
        images = images[..., 0] if len(shape) == 2 else images.reshape(len(labels), *shape)
        made[name] = Split(images, labels, [f"{name}/{i}" for i in range(len(labels))])
    return ImageSet("shades", tuple(names), made, "shades", "0" * 64)


@pytest.fixture
def ten_photos(tmp_path):
    """A folder of ten JPEGs in two classes, of different sizes."""
    random = np.random.default_rng(1)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(5):
            pixels = random.integers(0, 256, (90 + 7 * i, 120 - 5 * i, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i}.jpg")
    return tmp_path / "pets"


def _open(data, method="mlp", **options):
    return ClassifyRecipe.open(method, data, 0, options)


def test_plan_of_digits():
    recipe = _open("digits", "resnet20")
    plan = recipe.plan()
    assert plan.shape == (1, 16, 16)
    assert plan.facts["classes"].startswith("10 (0, 1, 2")
    assert plan.facts["input"] == "16×16, grey"
    assert "mirror" not in plan.facts["augmentation"]
    assert plan.warnings == ()
    assert recipe.held_out == "test"


def test_validation_comes_from_train_by_class():
    recipe, again = _open("digits"), _open("digits")
    keys = {name: set(split.keys) for name, split in recipe.data.splits.items()}
    assert not keys["train"] & keys["val"]
    assert not keys["val"] & keys["test"]
    assert keys["test"] == set(sl.data.open_dataset("digits").test.keys)
    assert recipe.data.val.counts(10).min() >= 13
    assert list(again.data.val.keys) == list(recipe.data.val.keys)


def test_a_set_keeps_its_own_validation():
    data = _shades((30, 30), splits=("train", "val", "test"))
    assert list(_open(data).data.val.keys) == list(data.val.keys)


@pytest.mark.parametrize("method", ["mlp", "lenet5", "resnet20", "resnet18", "resnet50", "vit", "squeezenet"])
def test_configuration_makes_the_model_again(method):
    recipe = _open(_shades((30, 30), shape=(16, 16)), method)
    config = tomllib.loads(to_toml(recipe.config()))
    again = ClassifyRecipe.from_config(config)
    torch.manual_seed(0)
    model = recipe.model()
    torch.manual_seed(0)
    other = again.model().eval()
    other.load_state_dict(model.state_dict())
    images = [np.full((20, 30), 90, np.uint8)]
    assert again.predict(other, images)[0] == recipe.predict(model.eval(), images)[0]
    assert again.classes == ("dark", "light")
    with pytest.raises(DataError, match="name a dataset"):
        again.plan()


_DEEPER = ("resnet34", "resnet50", "resnet101", "resnet152", "vgg13", "vgg16", "vgg19", "mlp", "lenet5", "vit")


@pytest.mark.parametrize("method", [name for name in METHODS if name not in _DEEPER])
def test_every_network_takes_the_form_that_is_chosen_for_it(method):
    recipe = _open(_shades((30, 30), shape=(16, 16)), method)
    with torch.device("meta"):
        model = recipe.model().eval()
        assert model(torch.zeros(2, recipe.form.channels, *recipe.form.size)).shape == (2, 2)


def test_classifiers_on_the_way_count_a_third():
    recipe = _open(_shades((30, 30)), "googlenet", auxiliary=True, label_smoothing=0.1)
    model = recipe.model().train()
    assert isinstance(model, Supervised)
    batch = recipe.collate([recipe.training().sample(i, 0) for i in range(4)])
    torch.manual_seed(0)
    found = recipe.losses(model, batch)["loss"]
    torch.manual_seed(0)
    one, two, last = (F.cross_entropy(y, batch["label"], label_smoothing=0.1) for y in model.all_logits(batch["image"]))
    torch.testing.assert_close(found, last + 0.3 * (one + two))


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no setting is named 'augmnt'. Did you mean 'augment'\?.*stem"):
        _open("digits", "resnet20", augmnt="none")
    with pytest.raises(InputError, match="augment must be one of 'auto', 'none'"):
        _open("digits", augment="wild")
    with pytest.raises(InputError, match="class_weights must be true or false; got 'maybe'"):
        _open("digits", class_weights="maybe")
    with pytest.raises(InputError, match="mixup must be a number; got 'much'"):
        _open("digits", mixup="much")
    with pytest.raises(InputError, match="load: no classifier is named 'lenet6'"):
        ClassifyRecipe.from_config({"method": "lenet6"})


def test_words_of_the_command_line():
    recipe = _open("digits", "resnet20", image_size="16", label_smoothing="0.1", class_weights="true", stem="imagenet")
    assert recipe.form.size == (16, 16)
    assert recipe.options.label_smoothing == 0.1
    assert recipe.options.class_weights is True
    assert recipe.config()["model"] == {"stem": "imagenet"}
    assert _open("digits", "mlp", hidden="20,10").config()["model"] == {"hidden": (20, 10)}


def test_one_class_is_refused():
    with pytest.raises(DataError, match="has 1 class; a classifier needs two"):
        _open(_shades((9,), names=("only",)))


def test_warnings_say_how_little_it_is():
    little = " ".join(_open(_shades((5, 5))).plan().warnings)
    assert "8 training images in 2 classes (4 in the smallest) is very little" in little
    assert "10 images only" in little
    uneven = " ".join(_open(_shades((500, 60))).plan().warnings)
    assert "The classes are unbalanced: 450 images of dark, 54 of light." in uneven or "unbalanced: 400" in uneven
    assert "unbalanced" not in " ".join(_open(_shades((500, 60)), class_weights=True).plan().warnings)
    flattered = " ".join(_open(_shades((200, 200), splits=("train", "val"))).plan().warnings)
    assert "There is no test split" in flattered


def test_one_image_a_class_still_trains():
    recipe = _open(_shades((1, 1)))
    assert "validated on those that it learns from" in " ".join(recipe.plan().warnings)
    assert len(recipe.validation()) == 2


def test_loss_is_the_weighted_smoothed_cross_entropy():
    recipe = _open(_shades((90, 30)), class_weights=True, label_smoothing=0.1)
    model = recipe.model().eval()
    batch = recipe.collate([recipe.training().sample(i, 0) for i in range(96)])
    counts = torch.tensor(recipe.data.train.counts(2), dtype=torch.float32)
    weights = counts.sum() / (2 * counts)
    expected = F.cross_entropy(model(batch["image"]), batch["label"], weight=weights, label_smoothing=0.1)
    assert recipe.losses(model, batch)["loss"].item() == pytest.approx(expected.item(), rel=1e-6)
    assert (weights * counts).sum().item() == pytest.approx(counts.sum().item())


def test_batches_are_pixels_in_0_to_1():
    recipe = _open(_shades((20, 20), shape=(16, 16)), augment="none")
    samples = recipe.training()
    batch = recipe.collate([samples.sample(i, 0) for i in range(4)])
    assert batch["image"].shape == (4, 1, 16, 16)
    assert batch["image"].dtype == torch.float32
    expected = np.stack([recipe.data.train[i][0] for i in range(4)]) / np.float32(255)
    np.testing.assert_allclose(batch["image"][:, 0].numpy(), expected, atol=1e-6)
    assert batch["label"].tolist() == recipe.data.train.labels[:4].tolist()


@pytest.mark.parametrize("options", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_mixed_batches_repeat(options):
    recipe = _open(_shades((20, 20)), **options)
    batches = [recipe.collate([recipe.training().sample(i, 3) for i in range(12, 28)]) for _ in range(2)]
    assert batches[0]["label"].shape == (16, 2)
    assert torch.allclose(batches[0]["label"].sum(dim=1), torch.ones(16))
    assert torch.equal(batches[0]["image"], batches[1]["image"])
    assert torch.equal(batches[0]["label"], batches[1]["label"])
    assert torch.isfinite(recipe.losses(recipe.model(), batches[0])["loss"])


def test_samples_change_with_the_epoch_and_repeat():
    samples = _open("digits").training()
    assert any((samples.sample(i, 0)["image"] != samples.sample(i, 1)["image"]).any() for i in range(8))
    np.testing.assert_array_equal(samples.sample(3, 5)["image"], samples.sample(3, 5)["image"])


def test_the_first_half_of_the_epochs_is_small():
    recipe = _open("digits", "resnet20", first_size=12, augment="none")
    recipe.begins(Settings(epochs=5))
    samples, whole = recipe.training(), _open("digits", "resnet20", augment="none").training()
    assert [samples.sample(0, epoch)["image"].shape for epoch in range(4)] == [(12, 12, 1)] * 2 + [(16, 16, 1)] * 2
    full = whole.sample(3, 0)["image"]
    np.testing.assert_array_equal(samples.sample(3, 2)["image"], full)
    np.testing.assert_array_equal(samples.sample(3, 1)["image"][..., 0], sl.image.resize(full[..., 0], (12, 12)))
    assert "half the epochs at 12 pixels" in recipe.plan().facts["augmentation"]
    wide = Options(first_size=20)
    assert wide.first_shape((20, 40), fixed=False) == (10, 20)


def test_a_first_size_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="train: first_size must be a whole number in 1–16; got 17"):
        _open("digits", "resnet20", first_size=17).training()
    with pytest.raises(InputError, match="first_size needs a network of any input size"):
        _open("digits", "vit", first_size=8).training()


def test_a_start_in_small_resumes_bit_for_bit(tmp_path, monkeypatch):
    from sightline.train.engine import Engine

    options = {"epochs": 4, "first_size": 10, "optimizer": "muon", "batch_size": 16, "save_every": 0.4}
    options |= {"width": 0.125, "image_size": 12, "progress": False, "report": False, "threads": 1, "device": "cpu"}
    data = _shades((40, 40), shape=(12, 12))
    whole = sl.train("classify/airbench", data, out=tmp_path / "whole", **options)
    plain, taken = Engine._step, []

    def step(self, batches):
        plain(self, batches)
        taken.append(1)
        if len(taken) == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_step", step)
        with pytest.raises((KeyboardInterrupt, Interrupted)):
            sl.train("classify/airbench", data, out=tmp_path / "cut", **options)
    cut = sl.train("classify/airbench", data, out=tmp_path / "cut", resume=True, progress=False, report=False)
    states = [sl.load(run.folder, weights="last").model.state_dict() for run in (whole, cut)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert [row["train_loss"] for row in cut.metrics] == [row["train_loss"] for row in whole.metrics]


def test_a_batch_of_one_trains():
    recipe = _open(_shades((20, 20)), "resnet20")
    batch = recipe.collate([recipe.training().sample(0, 0)])
    assert torch.isfinite(recipe.losses(recipe.model().train(), batch)["loss"])


def test_measure_counts_over_all_batches():
    recipe = _open("digits")
    model = recipe.model().eval()
    samples = recipe.validation()
    rows = [samples.sample(i, 0) for i in range(50)]
    with torch.no_grad():
        found = recipe.measure(model, (recipe.collate(rows[i : i + 16]) for i in range(0, 50, 16)))
        whole = recipe.collate(rows)
        scores = model(whole["image"])
    assert found["loss"] == pytest.approx(F.cross_entropy(scores, whole["label"]).item(), rel=1e-5)
    assert found["accuracy"] == pytest.approx((scores.argmax(1) == whole["label"]).float().mean().item())
    top5 = (scores.topk(5).indices == whole["label"][:, None]).any(dim=1).float().mean().item()
    assert found["top5"] == pytest.approx(top5)


def test_predictions_are_sorted_probabilities(photos):
    recipe = _open(_shades((20, 20, 20), names=("a", "b", "c")))
    images = list(photos.values())
    for found in recipe.predict(recipe.model().eval(), images):
        assert sorted(found.scores, reverse=True) == list(found.scores)
        assert sum(found.scores) == pytest.approx(1, abs=1e-5)
        assert set(found.labels) == {"a", "b", "c"}


def test_evaluation_matches_classes_by_name():
    recipe = _open(_shades((30, 30)))
    model = recipe.model().eval()
    turned = _shades((30, 30))
    labels = {name: 1 - split.labels for name, split in turned.splits.items()}
    arrays = {name: split.array for name, split in turned.splits.items()}
    splits = {name: Split(arrays[name], labels[name], turned.splits[name].keys) for name in arrays}
    other = ImageSet("turned", ("light", "dark"), splits, "turned", "1" * 64)
    assert recipe.evaluate(model, other)["accuracy"] == recipe.evaluate(model, turned)["accuracy"]
    with pytest.raises(DataError, match=r"class 'lights' is not one that the model knows. Did you mean 'light'"):
        recipe.evaluate(model, ImageSet("x", ("lights", "dark"), splits, "x", "2" * 64))


def test_evaluation_is_json_and_adds_up():
    recipe = _open("digits")
    model = recipe.model().eval()
    found = recipe.evaluate(model)
    matrix = np.array(found["confusion_matrix"])
    assert found["split"] == "test"
    assert found["images"] == matrix.sum() == 359
    assert found["accuracy"] == pytest.approx(np.trace(matrix) / 359)
    low, high = found["accuracy_interval"]
    assert low <= found["accuracy"] <= high
    assert [row["images"] for row in found["per_class"]] == matrix.sum(axis=1).tolist()
    assert recipe.evaluate(model, split="val")["images"] == 143


def test_evaluation_follows_the_weights():
    recipe = _open("digits")
    model = recipe.model().eval()
    first = recipe.examine(model)
    assert recipe.examine(model) is first
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.data.neg_()  # behind autograd's back
    assert not np.array_equal(recipe.examine(model).probabilities, first.probabilities)


@pytest.mark.parametrize("shape", [(1, 1), (3, 4000), (4000, 3), (50, 70, 3), (50, 70, 4)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_image_takes_the_form(shape, channels):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    found = Form((16, 24), channels).prepare(image)
    assert found.shape == (16, 24, channels)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


def test_kept_images_equal_those_read_again():
    data = _shades((20, 20), shape=(12, 15))
    form = Form((8, 8), 1)
    kept, read = Prepared(data.train, form).load(), Prepared(data.train, form, keep=False)
    for index in (0, 7, 39):
        np.testing.assert_array_equal(kept[index], read[index])


@pytest.mark.parametrize(
    ("shape", "size"),
    [((8, 8), (16, 16)), ((28, 28), (28, 28)), ((20, 32), (20, 32)), ((150, 200), (64, 64)), ((600, 800), (128, 128))],
)
def test_size_follows_the_data(shape, size):
    assert choose_form(_shades((2, 2), shape=shape).train, 0).size == size
    assert choose_form(_shades((2, 2), shape=shape).train, 48).size == (48, 48)
    assert max(choose_form(_shades((2, 2), shape=shape).train, 0, limit=32).size) <= 32


def test_ten_photos_train_and_are_told_how_little_that_is(ten_photos, tmp_path):
    run = sl.train(
        "classify/resnet20", str(ten_photos), out=tmp_path / "run", epochs=2, image_size=16, progress=False, threads=1
    )
    report = run.report.read_text("utf-8")
    assert "in 2 classes (3 in the smallest) is very little" in report
    found = read_json(run.folder / "evaluation.json")
    assert found["images"] == 2
    result = sl.load(run.folder).predict(str(ten_photos / "cat" / "0.jpg"))
    assert result.label in ("cat", "dog")
    assert sl.load(run.folder).evaluate()["accuracy"] == found["accuracy"]


def test_it_learns(tmp_path):
    data = _shades((60, 60))
    run = sl.train("classify/mlp", data, out=tmp_path / "run", epochs=8, progress=False, threads=1, learning_rate=0.01)
    assert read_json(run.folder / "evaluation.json")["accuracy"] == 1.0
