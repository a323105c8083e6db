"""A small classifier that has learnt something, and pictures that it is sure of."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def bars(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return B×1×12×12 noisy pictures of a bar: lying, standing, or both, and which of them."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    images = 0.35 + 0.1 * torch.rand(count, 1, 12, 12, generator=random)
    for i, label in enumerate(labels.tolist()):
        at = int(torch.randint(3, 9, (1,), generator=random))
        if label in (0, 2):
            images[i, 0, at] += 0.3
        if label in (1, 2):
            images[i, 0, :, at] += 0.3
    return images.clamp(0, 1), labels


def build() -> nn.Module:
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.Softplus(), nn.Conv2d(8, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Softplus()]
    return nn.Sequential(*layers, nn.Dropout(0.1), nn.Flatten(), nn.Linear(288, 3))


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Networks this small wait longer for a second thread than it helps."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def trained(_one_thread: None) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build()
        adam = torch.optim.Adam(model.parameters(), lr=5e-3)
        images, labels = bars(300, 1)
        for step in range(60):
            rows = slice(step % 5 * 60, step % 5 * 60 + 60)
            adam.zero_grad()
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            adam.step()
    model.zero_grad(set_to_none=True)
    return model.eval()


@pytest.fixture
def model(trained: nn.Module) -> nn.Module:
    return trained


@pytest.fixture
def images() -> Tensor:
    return bars(12, 7)[0]


@pytest.fixture
def labels() -> Tensor:
    return bars(12, 7)[1]


@pytest.fixture(scope="session")
def plain_pgd():
    """Return the paper's equation, one image at a time, in float64."""
    return _plain_pgd


def _plain_pgd(model, images, labels, eps, step, steps, norm):
    found = []
    for image, label in zip(images.double(), labels, strict=True):
        x = image.clone()
        for _ in range(steps):
            x = x.detach().requires_grad_()
            loss = F.cross_entropy(model(x[None]), label[None])
            (g,) = torch.autograd.grad(loss, x)
            x = x + step * (torch.sign(g) if norm == "inf" else g / math.sqrt(float((g**2).sum())))
            delta = x.detach() - image
            if norm == "inf":
                delta = torch.minimum(torch.maximum(delta, -torch.tensor(eps)), torch.tensor(eps))
            elif float((delta**2).sum()) > eps**2:
                delta = delta * eps / math.sqrt(float((delta**2).sum()))
            x = torch.clip(image + delta, 0, 1)
        found.append(x)
    return torch.stack(found)
