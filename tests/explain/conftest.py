"""Small classifiers with random weights, one of each kind."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn


class TinyCNN(nn.Module):
    """Two convolutions, batch norm, an in-place activation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 12, 3, stride=2, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(12, 5)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.act(self.norm(self.first(images)))
        hidden = self.act(self.second(hidden))
        return self.head(self.drop(hidden.mean(dim=(2, 3))))


class TinyTransformer(nn.Module):
    """Patches, a class token, one block of attention."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.norm = nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.head = nn.Linear(16, 5)

    @property
    def cam_layer(self) -> nn.Module:
        return self.norm

    def cam_map(self, output: Tensor) -> Tensor:
        tokens = output[:, 1:]
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).reshape(len(output), -1, side, side)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), tokens], dim=1)
        normed = self.norm(tokens)
        tokens = tokens + self.attention(normed, normed, normed, need_weights=False)[0]
        return self.head(tokens[:, 0])


def _random(model: nn.Module) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.3)
    return model.eval()


@pytest.fixture
def cnn() -> nn.Module:
    return _random(TinyCNN())


@pytest.fixture
def transformer() -> nn.Module:
    return _random(TinyTransformer())


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(5))
