"""Training from a name to a run."""

from __future__ import annotations

import pytest
import torch

import sightline
from sightline.core.errors import InputError, MissingFileError
from sightline.train.run import load


def test_run_folder_holds_everything(fit, tmp_path):
    run = fit()
    names = {path.name for path in run.folder.iterdir()}
    assert {"config.toml", "metrics.csv", "environment.json", "checkpoints"} <= names
    assert [path.name for path in run.folder.rglob("*last*.safetensors")] == ["last.safetensors"]
    assert not list(run.folder.rglob("*.part"))
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3]
    assert set(run.metrics[0]) >= {"train_loss", "train_part", "val_accuracy", "seconds", "images_per_second"}
    assert run.best["val_accuracy"] == max(row["val_accuracy"] for row in run.metrics)
    assert run.environment["plan"]["parameters"] == sum(p.numel() for p in run.predictor.model.parameters())
    assert run.environment["plan"]["flops"] == 2 * (2 * 12 + 2 * 12 * 12 + 12 * 2)


def test_it_learns(fit):
    assert fit(epochs=12, count=80, noise=0.1).best["val_accuracy"] >= 0.9


def test_same_seed_same_weights(fit, digest):
    assert digest(fit("a")) == digest(fit("b")) != digest(fit("c", seed=1))


def test_global_random_state_is_left_alone(fit):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("workers", [1, 2])
def test_weights_do_not_depend_on_workers(fit, digest, workers):
    assert digest(fit("here")) == digest(fit("workers", workers=workers))


def test_package_is_callable(tmp_path):
    run = sightline.train("toy/mlp", "points", out=tmp_path / "r", epochs=1, progress=False, report=False, device="cpu")
    assert run.to_json()["epochs"] == 1


def test_names_never_overwrite(tmp_path, monkeypatch, fit):
    monkeypatch.chdir(tmp_path)
    folders = [fit(out=None, epochs=1).folder.as_posix() for _ in range(2)]
    assert folders == ["runs/points-1", "runs/points-2"]
    assert fit(out=None, resume=True).folder.as_posix() == "runs/points-2"


def test_a_run_is_not_overwritten(fit):
    fit(epochs=1)
    with pytest.raises(InputError, match=r"holds a run. Resume it"):
        fit(epochs=1)


def test_unknown_setting_is_refused_with_the_nearest(fit, tmp_path):
    with pytest.raises(InputError, match=r"no setting is named 'epoch'. Did you mean 'epochs'"):
        fit(epoch=3)
    with pytest.raises(InputError, match=r"no setting is named 'noisy'. Did you mean 'noise'"):
        fit(noisy=3)
    assert not (tmp_path / "run").exists()


def test_unknown_recipe_is_refused(fit):
    with pytest.raises(InputError, match=r"no recipe is named 'toy/mpl'. Did you mean 'toy/mlp'"):
        fit(recipe="toy/mpl")


def test_load_predicts_and_evaluates(fit):
    run = fit(epochs=12, count=80, noise=0.1)
    predictor = load(run.folder)
    near, far = predictor.predict([torch.tensor([1.0, 0.0]).numpy(), torch.tensor([0.0, 2.0]).numpy()])
    assert (near, far) == (0, 1)
    assert predictor.evaluate()["data"] is None
    assert predictor.evaluate("others")["data"] == "others"
    assert run.predict(torch.tensor([0.0, -2.0]).numpy()) == 1


def test_load_names_what_is_missing(tmp_path):
    with pytest.raises(MissingFileError, match=r"is not a run: it has no config.toml"):
        load(tmp_path)


def test_fp16_needs_a_gpu(fit):
    with pytest.raises(InputError, match="precision fp16 needs a GPU"):
        fit(precision="fp16")


def test_bf16_trains(fit, digest):
    run = fit("half", precision="bf16")
    assert run.metrics[-1]["train_loss"] < run.metrics[0]["train_loss"]
    assert digest(run) != digest(fit("full"))


@pytest.mark.slow
def test_tensorboard_is_written(fit):
    pytest.importorskip("tensorboard")
    run = fit(log="tensorboard", epochs=1)
    assert list((run.folder / "tensorboard").glob("events*"))


def test_lines_say_what_is_about_to_happen(fit, capsys):
    fit(progress=True, epochs=2)
    said = capsys.readouterr().err
    for words in ("toy/mlp", "parameters", "FLOPs", "very little", "epoch 2/2", "val accuracy", "images/s"):
        assert words in said
    assert capsys.readouterr().out == ""


def test_silence(fit, capfd):
    fit(epochs=1)
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_built_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="resnet20: stem must be one of"):
        sightline.train("classify/resnet20", "digits", stem="foo", progress=False)
    assert not list((tmp_path / "runs").iterdir())
