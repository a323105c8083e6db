from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import sightline as sl
from sightline.attack import adversarial_train, pgd
from sightline.attack.adversary import Adversary
from sightline.attack.recipe import AdversarialRecipe
from sightline.core import evidence
from sightline.core.errors import InputError

SETTINGS = {"epochs": 3, "augment": "none", "threads": 1, "device": "cpu", "progress": False, "batch_size": 32}


@pytest.fixture(scope="module")
def run(tmp_path_factory, _one_thread):
    place = tmp_path_factory.mktemp("runs") / "robust"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AdversarialRecipe, "examined", 24)
        return train_in(place)


def train_in(place):
    foe = {"eps": 0.1, "attack_steps": 2, "fast_epochs": 1, "eps_warmup": 1.0}
    return adversarial_train("striding_cnn", "digits", out=place, **foe, **SETTINGS)


@pytest.mark.slow
def test_a_run_is_measured_under_attack(run):
    rows = run.metrics
    assert len(rows) == 3
    assert all(0 <= row["val_robust_accuracy"] <= row["val_accuracy"] for row in rows)
    assert run.config["recipe"] == "attack/striding_cnn"
    assert run.config["options"]["eps"] == 0.1


@pytest.mark.slow
def test_the_report_says_how_far_it_resists(run):
    text = run.report.read_text("utf-8")
    for part in ("How far it resists", "Without a bound nothing is right", "robust_accuracy"):
        assert part in text


@pytest.mark.slow
def test_it_resists_more_than_one_that_was_not_attacked(run, tmp_path):
    plain = sl.train("attack/striding_cnn", "digits", out=tmp_path / "plain", eps=0.0, report=False, **SETTINGS)
    test = sl.data.open_dataset("digits").test
    pictures = np.stack([run.predictor.recipe.form.prepare(image) for image in test.array[:100]])
    images = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    labels = torch.from_numpy(np.array(test.labels[:100]))
    rates = []
    for model in (run.predictor.model, plain.predictor.model):
        attacked = pgd(model, images, labels, eps=0.1)
        with torch.no_grad():
            rates.append(float((model(attacked).argmax(1) == labels).float().mean()))
    assert rates[0] > rates[1] + 0.05


@evidence.equals(
    "attack.adversarial_train",
    peer="torch",
    tolerance="1e-4, the saddle point in float64",
    data="noisy bars, three steps",
)
@pytest.mark.parametrize("norm", ["inf", "l2"])
def test_learning_from_the_worst_pictures_is_the_papers(norm, model, images, labels, plain_pgd, measured):
    """Madry 2018, equation 2.1: a step down the loss of the pictures that PGD made worst."""
    foe = Adversary(eps=0.1 if norm == "inf" else 0.8, norm=norm, attack_steps=4)
    climb = foe.climb(1.0)._replace(random_start=False)
    ours, plain = copy.deepcopy(model), copy.deepcopy(model).double()  # in eval mode: dropout draws for each its own
    for _ in range(3):
        attacked = foe.against(ours, images, labels, climb)
        by_hand = plain_pgd(plain, images, labels, foe.eps, climb.step_size, 4, norm)
        for network, pictures in ((ours, attacked), (plain, by_hand)):
            network.zero_grad()
            torch.nn.functional.cross_entropy(network(pictures), labels).backward()
            with torch.no_grad():
                for weight in network.parameters():
                    weight -= 0.05 * weight.grad
    before, after, expected = (
        torch.cat([weight.detach().double().ravel() for weight in network.parameters()])
        for network in (model, ours, plain)
    )
    apart = float((after - expected).abs().max())
    measured(apart)
    assert apart < 1e-4
    assert float((after - before).abs().max()) > 1e-3


def test_the_adversary_grows_and_becomes_thorough():
    foe = Adversary(eps=0.3, fast_epochs=2, eps_warmup=2.0, attack_steps=5)
    first, second, last = (foe.climb(time) for time in (0.5, 1.5, 2.5))
    assert first.ball.eps == pytest.approx(0.075)
    assert (first.steps, first.step_size) == (1, pytest.approx(1.25 * 0.075))
    assert second.ball.eps == pytest.approx(0.225)
    assert (last.steps, last.ball.eps, last.step_size) == (5, 0.3, pytest.approx(0.15))


def test_noise_comes_after_the_attack(model, images, labels):
    still, noisy = Adversary(eps=0.1), Adversary(eps=0.1, sigma=0.25)
    found = []
    for foe in (still, noisy, Adversary(eps=0.0, sigma=0.25), Adversary(eps=0.0)):
        torch.manual_seed(3)
        found.append(foe.against(model, images, labels, foe.climb(1.0)))
    noise = found[1] - found[0]
    assert abs(float(noise.std()) - 0.25) < 0.02
    assert float(found[1].min()) < 0  # what is certified answers for all of the noise
    assert abs(float((found[2] - images).std()) - 0.25) < 0.02
    assert torch.equal(found[3], images)


def test_who_learns_from_noise_alone_is_measured_in_it_and_attacked_in_the_report(monkeypatch):
    monkeypatch.setattr(AdversarialRecipe, "examined", 8)
    recipe = AdversarialRecipe.open("striding_cnn", "digits", 0, {"eps": "0", "sigma": "0.25", "width": 4, "hidden": 8})
    assert "noise of deviation 0.25" in recipe.plan().facts["adversary"]
    model = recipe.model().eval()
    images, labels = torch.full((4, 1, *recipe.form.size), 0.5), torch.zeros(4, dtype=torch.long)
    seen = []
    model.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    recipe.measure(model, [{"image": images, "label": labels}])
    assert max(float(pictures.std()) for pictures in seen) > 0.2
    assert recipe.robustness(model).epsilons[-1] == pytest.approx(16 / 255)


def test_refusals(tmp_path):
    with pytest.raises(InputError, match="train: eps must be a number"):
        adversarial_train("striding_cnn", "digits", eps=-1.0, out=tmp_path)
    with pytest.raises(InputError, match="train: attack_steps must be a whole number"):
        sl.train("attack/striding_cnn", "digits", attack_steps=0, out=tmp_path)
    with pytest.raises(InputError, match="no recipe is named 'attack/striding'"):
        adversarial_train("striding", "digits", out=tmp_path)
    with pytest.raises(InputError, match="no setting is named 'epsilom'"):
        adversarial_train("striding_cnn", "digits", epsilom=0.1, out=tmp_path)
