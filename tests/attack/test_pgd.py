from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import sightline as sl
from sightline.attack import cw_l2, deep_fool, fgsm, patch, pgd, universal_perturbation
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace

ATTACKS = [fgsm, pgd, deep_fool, cw_l2]
QUICK = {"cw_l2": {"searches": 2, "steps": 15}}


def quick(attack, *arguments, **options):
    return attack(*arguments, **{**QUICK.get(attack.__name__, {}), **options})


def right(model, images, labels):
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


@evidence.equals("attack.pgd", peer="torch", tolerance="1e-4, the paper's equation in float64", data="noisy bars")
def test_pgd_equals_the_equation(model, images, labels, plain_pgd, measured):
    double = copy.deepcopy(model).double()
    errors = []
    for norm, eps, step in (("inf", 0.1, 0.03), ("l2", 0.8, 0.3)):
        ours = pgd(model, images, labels, eps=eps, norm=norm, steps=7, step_size=step, random_start=False)
        apart = (ours - plain_pgd(double, images, labels, eps, step, 7, norm)).abs()
        errors.append(float(apart.max()))
    measured(max(errors))
    assert max(errors) <= 1e-4


@pytest.mark.parametrize("norm", ["inf", "l2"])
@pytest.mark.parametrize("start", [True, False])
def test_pgd_stays_in_the_ball_and_hurts(norm, start, model, images, labels):
    eps = 0.15 if norm == "inf" else 1.2
    found = pgd(model, images, labels, eps=eps, norm=norm, random_start=start)
    change = (found - images).flatten(1)
    size = change.abs().amax() if norm == "inf" else change.norm(dim=1).max()
    assert float(size) <= eps * (1 + 1e-5)
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    assert right(model, images, labels) == 1
    assert right(model, found, labels) < 0.5


def test_pgd_of_no_radius_is_the_picture(model, images, labels):
    for norm in ("inf", "l2"):
        torch.testing.assert_close(pgd(model, images, labels, eps=0.0, norm=norm), images)
    torch.testing.assert_close(fgsm(model, images, labels, eps=0.0), images)


def test_random_start_is_seeded_and_restarts_never_help_the_model(model, images, labels):
    options = {"eps": 0.04, "steps": 3}
    once = pgd(model, images, labels, seed=3, **options)
    assert torch.equal(once, pgd(model, images, labels, seed=3, **options))
    assert not torch.equal(once, pgd(model, images, labels, seed=4, **options))
    often = pgd(model, images, labels, seed=3, restarts=4, **options)
    with torch.no_grad():
        one, many = (F.cross_entropy(model(x), labels, reduction="none") for x in (once, often))
    assert bool((many >= one - 1e-6).all())


def test_a_ball_is_sampled_evenly(images):
    from sightline.attack.ball import Ball

    random = np.random.default_rng(0)
    grey = torch.full((400, 1, 1, 2), 0.5)
    change = (Ball("l2", 0.2).sample(grey, random) - grey).flatten(1)
    assert float((change.norm(dim=1) < 0.1).float().mean()) == pytest.approx(0.25, abs=0.06)  # a quarter of the disc
    assert float((Ball("inf", 0.2).sample(grey, random) - grey).abs().mean()) == pytest.approx(0.1, abs=0.01)


def test_more_radius_is_a_stronger_attack(model, images, labels):
    rates = [right(model, pgd(model, images, labels, eps=e), labels) for e in (0.01, 0.1, 0.3)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0


# --- what holds for all of them ---


@pytest.mark.parametrize("attack", ATTACKS)
def test_pictures_come_back_in_their_form(attack, model, images, labels):
    batch = quick(attack, model, images[:3], labels[:3])
    one = quick(attack, model, images[0], int(labels[0]))
    array = images[0, 0].numpy()
    grey = quick(attack, model, array, int(labels[0]))
    eight = quick(attack, model, (array * 255).round().astype(np.uint8))
    assert batch.shape == (3, 1, 12, 12)
    assert one.shape == (1, 12, 12)
    assert grey.shape == eight.shape == (12, 12)
    assert grey.dtype == eight.dtype == np.float32
    assert not batch.requires_grad
    np.testing.assert_allclose(grey, one[0].numpy(), atol=1e-6)


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_picture_is_attacked_for_itself(attack, model, images, labels):
    options = {"random_start": False} if attack is pgd else {}
    together = quick(attack, model, images[:4], labels[:4], **options)
    alone = quick(attack, model, images[2:3], labels[2:3], **options)
    assert float((together[2:3] - alone).abs().max()) < 2e-3


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("training", [True, False])
def test_model_and_pictures_are_left_as_found(attack, training, model, images, labels):
    model = copy.deepcopy(model).train(training)
    model[7].weight.grad = torch.ones_like(model[7].weight)
    before, batch = copy.deepcopy(model.state_dict()), images.clone()
    with torch.no_grad():
        quick(attack, model, images, labels)
    assert all(module.training == training for module in model.modules())
    assert torch.equal(model[7].weight.grad, torch.ones_like(model[7].weight))
    assert model[0].weight.grad is None
    assert torch.equal(images, batch)
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())


@pytest.mark.parametrize("attack", ATTACKS)
def test_steps_end_in_the_result(attack, model, images, labels):
    options = QUICK.get(attack.__name__, {})
    for some, own in ((images[:2], labels[:2]), (images[0, 0].numpy(), int(labels[0]))):
        steps = trace(attack, model, some, own, **options)
        np.testing.assert_array_equal(np.asarray(steps.result), np.asarray(quick(attack, model, some, own)))
        assert steps.to_bytes()
        names = [step.name for step in steps]
        assert names[0] == "picture"
        assert names[-3:] == ["answers", "perturbation", "adversarial"]
        rows = steps["answers"].layers[1].rows
        assert rows[:, 1:].sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert rows[-1, 1] < rows[0, 1]


@pytest.mark.parametrize("attack", [fgsm, pgd, cw_l2])
def test_a_target_is_reached(attack, model, images, labels):
    wanted = (labels + 1) % 3
    options = {"cw_l2": {"steps": 50, "searches": 3}}.get(attack.__name__, {"eps": 0.3})
    found = attack(model, images, labels, target=wanted, **options)
    assert right(model, found, wanted) >= (0.5 if attack is fgsm else 1.0)


def make_patch(model, images, labels=None, **options):
    return patch(model, images, **{"target": 1, **options})


@pytest.mark.parametrize("attack", [pgd, fgsm])
def test_levels_of_255_are_told_from_shares(attack, model, images):
    with pytest.raises(InputError, match=r"eps must be 0–1 in the norm 'inf'.*got 8\. For levels of 255 give 8 / 255"):
        attack(model, images, eps=8)
    assert pgd(model, images, eps=3.0, norm="l2", steps=1).shape == images.shape  # a length may be more than 1


@pytest.mark.parametrize("attack", [*ATTACKS, universal_perturbation, make_patch])
def test_refusals(attack, model, images):
    name = {"make_patch": "patch"}.get(attack.__name__, attack.__name__)
    with pytest.raises(InputError, match=f"{name}: images must be a B×C×H×W"):
        attack(model, images[0, 0])
    with pytest.raises(InputError, match=f"{name}: images must be finite"):
        attack(model, torch.full((1, 1, 12, 12), float("nan")))
    normalised = (images - 0.449) / 0.226
    with pytest.raises(InputError, match=rf"{name}: images must be pixels in 0–1; .*nn\.Normalize"):
        attack(model, normalised)
    with pytest.raises(InputError, match=f"{name}: model must return scores B×classes"):
        attack(torch.nn.Conv2d(1, 3, 1), images)
    if attack not in (deep_fool, universal_perturbation):
        with pytest.raises(InputError, match=f"{name}: target must be in 0–2; got 3"):
            attack(model, images, target=3)
    if attack is not make_patch:
        with pytest.raises(InputError, match=f"{name}: labels must be in 0–2; got 7"):
            attack(model, images, 7)
    if attack in (fgsm, pgd, universal_perturbation):
        for wrong in (-0.1, "wide", float("nan")):
            with pytest.raises(InputError, match=f"{name}: eps must be a number"):
                attack(model, images, eps=wrong)
    broken = copy.deepcopy(model)
    with torch.no_grad():
        next(broken.parameters()).fill_(torch.nan)
    with pytest.raises(InputError, match=f"{name}: model must give scores that are numbers; got NaN"):
        attack(broken, images)


def test_wrong_options(model, images):
    with pytest.raises(InputError, match="pgd: norm must be one of 'inf', 'l2'; got 'l3'"):
        pgd(model, images, norm="l3")
    with pytest.raises(InputError, match="pgd: restarts must be a whole number"):
        pgd(model, images, random_start=False, restarts=2)
    with pytest.raises(InputError, match="pgd: random_start must be True or False"):
        pgd(model, images, random_start="yes")
    with pytest.raises(InputError, match="deep_fool: classes must be a whole number"):
        deep_fool(model, images, classes=1)
    with pytest.raises(InputError, match="cw_l2: constant must be a number"):
        cw_l2(model, images, constant=0.0)
    with pytest.raises(InputError, match="patch: sizes must be the least and the largest diameter"):
        patch(model, images, target=0, sizes=(0.5, 0.3))


def test_the_folder_lists_its_methods():
    assert {m.name for m in sl.methods("attack")} >= {"fgsm", "pgd", "deep_fool", "cw_l2", "patch"}
