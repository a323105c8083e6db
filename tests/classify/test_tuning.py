"""Fine-tuning, distillation, ensembles, several views of one picture, calibrated probabilities: on small networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import sightline as sl
from sightline.classify.deit import DeiT
from sightline.classify.recipe import ClassifyRecipe
from sightline.classify.temperature import fit_temperature
from sightline.classify.tuning import Teacher, distilled, losses_with
from sightline.classify.views import views
from sightline.classify.vit import ViTConfig
from sightline.core.errors import InputError, WeightsError
from sightline.core.files import read_json
from sightline.data import ImageSet, Split
from sightline.train.optimizers import freeze, thaw
from sightline.train.run import Run

QUICK = {"device": "cpu", "progress": False, "report": False, "threads": 1, "seed": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small network that read the digits for three epochs."""
    out = tmp_path_factory.mktemp("runs") / "first"
    return sl.train("classify/mlp", "digits", out=out, epochs=3, hidden=(32,), **QUICK)


def test_weights_of_a_run_begin_another_one_but_for_the_head(run: Run) -> None:
    recipe = ClassifyRecipe.open("mlp", "digits", 0, {"weights": str(run.folder), "hidden": (32,)})
    before, after = run.predictor.model.state_dict(), recipe.model().state_dict()
    same = {name for name in after if torch.equal(before[name], after[name])}
    assert {name for name in after if not name.startswith("head.")} <= same
    assert "head.weight" not in same
    with pytest.raises(WeightsError, match="does not fit"):
        ClassifyRecipe.open("mlp", "digits", 0, {"weights": str(run.folder), "hidden": (16,)}).model()
    with pytest.raises(InputError, match=r"neither a file nor a name of the zoo"):
        ClassifyRecipe.open("mlp", "digits", 0, {"weights": "nowhere"}).model()


def test_public_weights_bring_their_own_statistics() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), dtype=np.uint8)
    split = Split(pixels, np.arange(8) % 2, [f"noise/{i}" for i in range(8)])
    data = ImageSet("noise", ("a", "b"), {"train": split}, "noise", "0" * 64)
    config = ClassifyRecipe.open("squeezenet", data, 0, {"weights": "squeezenet1_1-imagenet"}).config()
    assert config["mean"] == [0.485, 0.456, 0.406]
    assert config["model"]["version"] == "1.1"
    with pytest.raises(InputError, match=r"'resnet18-imagenet' are of classify\.resnet18; train classify/resnet18"):
        ClassifyRecipe.open("squeezenet", data, 0, {"weights": "resnet18-imagenet"})
    with pytest.raises(InputError, match="are for RGB images; got images of 1 channel"):
        ClassifyRecipe.open("resnet18", "digits", 0, {"weights": "resnet18-imagenet"})


def test_a_frozen_backbone_learns_in_its_head_only(run: Run, tmp_path: Path) -> None:
    tuned = sl.train(
        "classify/mlp",
        "digits",
        out=tmp_path / "tuned",
        epochs=1,
        hidden=(32,),
        weights=str(run.folder),
        freeze="backbone",
        **QUICK,
    )
    before, after = run.predictor.model.state_dict(), tuned.predictor.model.state_dict()
    moved = {name.partition(".")[0] for name in after if not torch.equal(before[name], after[name])}
    assert moved == {"head"}


def test_blocks_begin_to_learn_one_after_the_other() -> None:
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(4)))
    freeze(model, ["0"])
    kept = frozenset(name for name, p in model.named_parameters() if not p.requires_grad)
    learning = []
    for count in (1, 2, 9):
        thaw(model, count, kept)
        learning.append([name for name, p in model.named_parameters() if p.requires_grad and name.endswith("bias")])
    assert learning == [["3.bias"], ["2.bias", "3.bias"], ["1.bias", "2.bias", "3.bias"]]


def test_gradual_unfreezing_reaches_one_block_an_epoch(tmp_path: Path) -> None:
    options = {"epochs": 2, "hidden": (16, 16), **QUICK}
    one, two = (
        sl.train("classify/mlp", "digits", out=tmp_path / str(pace), unfreeze=pace, **options) for pace in (9.0, 1.0)
    )
    states = [sl.load(run.folder, weights="last", device="cpu").model.state_dict() for run in (one, two)]
    names = [name for name in states[0] if name.endswith("weight")]
    # After two epochs the head differs, and one more block, which only the second run let go; the first is as drawn.
    assert [torch.equal(states[0][name], states[1][name]) for name in names] == [True, False, False]


def test_a_teacher_adds_its_loss(run: Run) -> None:
    recipe = ClassifyRecipe.open(
        "mlp", "digits", 0, {"teacher": str(run.folder), "distill": 0.3, "softness": 2.0, "hidden": (8,)}
    )
    model = recipe.model().train()
    batch = recipe.collate([recipe.training().sample(i, 0) for i in range(6)])
    found = recipe.losses(model, batch)
    said, own = run.predictor.model(batch["image"]), model(batch["image"])
    expected = 4 * F.kl_div(F.log_softmax(own / 2, 1), F.softmax(said / 2, 1), reduction="batchmean")
    torch.testing.assert_close(found["teacher"], expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found["loss"], 0.7 * F.cross_entropy(own, batch["label"]) + 0.3 * found["teacher"])
    assert set(recipe.losses(model.eval(), batch)) == {"loss"}
    assert distilled(own, own, 3.0).item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(InputError, match="must know the same classes"):
        Teacher(str(run.folder), ("a", "b"), 1)


def test_a_teachers_work_is_not_counted_as_the_models(run: Run, tmp_path: Path) -> None:
    settings = {"epochs": 1, "hidden": (8,), "teacher": str(run.folder), "distill": 0.5, **QUICK}
    pupil = sl.train("classify/mlp", "digits", out=tmp_path / "pupil", **settings)
    weights = sum(p.numel() for p in pupil.predictor.model.parameters() if p.ndim > 1)
    assert pupil.environment["plan"]["flops"] == 2 * weights


def test_a_deit_hears_the_teacher_with_its_own_head(run: Run) -> None:
    teacher = Teacher(str(run.folder), tuple("0123456789"), 1)
    model = DeiT(ViTConfig(24, 1, 2, (16, 16), 8, 10, 1, mean=(0.5,), std=(0.5,)))
    images = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    logits, loss = losses_with(teacher, model, images, 4.0)
    own, label = model.all_logits(images)
    torch.testing.assert_close(loss, F.cross_entropy(own, teacher.answer(images).argmax(1)))
    torch.testing.assert_close(logits[0], label)


def test_an_ensemble_answers_with_the_mean(run: Run, tmp_path: Path) -> None:
    other = sl.train("classify/mlp", "digits", out=tmp_path / "other", epochs=1, hidden=(8,), **QUICK)
    image = np.asarray(sl.data.open_dataset("digits").test.array)[3]
    both = sl.load([run.folder, other.folder], device="cpu").predict(image)
    apart = [dict(one.predict(image)) for one in (run, other)]
    for label, score in both:
        assert score == pytest.approx((apart[0][label] + apart[1][label]) / 2, abs=1e-6)
    with pytest.raises(InputError, match="got an empty list"):
        sl.load([])


def test_views_are_averaged(run: Run) -> None:
    batch = torch.arange(24.0).view(1, 1, 4, 6)
    seen = list(views(batch, True, (1.0, 0.5)))
    assert [(tuple(v.shape[-2:]), weight) for v, weight in seen] == [((4, 6), 1), ((4, 6), 1), ((2, 3), 1), ((2, 3), 1)]
    assert torch.equal(seen[1][0], batch.flip(3))
    image = np.asarray(sl.data.open_dataset("digits").test.array)[3]
    plain, both = dict(run.predict(image)), dict(run.predict(image, mirror=True))
    mirrored = dict(run.predict(image[:, ::-1]))
    for label, score in both.items():
        assert score == pytest.approx((plain[label] + mirrored[label]) / 2, abs=1e-5)
    with pytest.raises(InputError, match=r"predict: scales must be a number in 0\.25–4; got 9"):
        run.predict(image, scales=(9,))


def test_moved_views_count_half(run: Run) -> None:
    image = np.asarray(sl.data.open_dataset("digits").test.array)[3]
    recipe, model = run.predictor.recipe, run.predictor.model
    assert isinstance(recipe, ClassifyRecipe)
    there = recipe.form.prepare(image)  # H×W×1
    wide = np.pad(there, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    places = [there, wide[4:, 4:], wide[:-4, :-4]]
    batch = torch.from_numpy(there).permute(2, 0, 1)[None].float()
    seen = [view[0, 0].numpy() for view, _ in views(batch, False, (1.0,), 2)]
    assert all(np.array_equal(view, place[..., 0]) for view, place in zip(seen, places, strict=True))
    apart = [recipe.scores(model, [place], mirror=True) for place in places]
    together = recipe.scores(model, [there], mirror=True, shift=2)
    np.testing.assert_allclose(together, apart[0] / 2 + apart[1] / 4 + apart[2] / 4, atol=1e-6)
    assert dict(run.predict(image, shift=2)) != dict(run.predict(image))
    with pytest.raises(InputError, match="predict: shift must be smaller than the images' sides, 16×16; got 16"):
        run.predict(image, shift=16)
    with pytest.raises(InputError, match=r"predict: shift must be a whole number in 0–64; got -1"):
        run.predict(image, shift=-1)


def test_the_temperature_is_the_likeliest() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (500, 4))
    chances = np.exp(logits / 2.5)
    labels = np.array([random.choice(4, p=row / row.sum()) for row in chances])
    found = fit_temperature(logits, labels)
    t = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.LBFGS([t], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(torch.tensor(logits) / t, torch.tensor(labels))
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]
    assert found == pytest.approx(t.item(), rel=1e-3)
    assert 2.0 < found < 3.1
    with pytest.raises(InputError, match="fit_temperature: logits must be N×classes"):
        fit_temperature(logits, labels[:-1])


def test_a_calibrated_run_keeps_its_temperature(run: Run) -> None:
    predictor = sl.load(run.folder, device="cpu")
    before = predictor.evaluate(split="val")
    found = predictor.calibrate()
    assert found["split"] == "val"
    assert found["calibration_error_before"] == pytest.approx(before["calibration_error"], abs=1e-9)
    assert read_json(run.folder / "calibration.json")["temperature"] == found["temperature"]
    again = sl.load(run.folder, device="cpu")
    after = again.evaluate(split="val")
    assert after["accuracy"] == before["accuracy"]  # the order of the answers stays
    assert after["calibration_error"] == pytest.approx(found["calibration_error"], abs=1e-9)
    (run.folder / "calibration.json").unlink()
