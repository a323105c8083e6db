"""The paper's AlexNet and ZFNet against a forward pass that is written out tower by tower; the papers' map sizes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from classify.parity import pixels
from sightline import classify
from sightline.core import evidence


def normalised(a: Tensor) -> Tensor:
    """b_i = a_i / (2 + 1e-4 Σ a_j²)^0.75, j from i − 2 to i + 2 (Krizhevsky 2012, section 3.3)."""
    channels = a.shape[1]
    squares = a.double() ** 2
    sums = [squares[:, max(0, i - 2) : i + 3].sum(1) for i in range(channels)]
    return (a.double() / (2 + 1e-4 * torch.stack(sums, dim=1)) ** 0.75).float()


def head(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    x = x.flatten(1)
    for layer in (3, 6):
        x = F.linear(x, w[f"head.{layer}.weight"], w[f"head.{layer}.bias"]).relu()
    return F.linear(x, w["head.8.weight"], w["head.8.bias"])


def two_cards(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    """Return the logits of B×3×224×224: each card has half of the channels, and they meet in the third layer."""
    convolutions = [key.removesuffix(".weight") for key in w if key.startswith("body") and key.endswith("weight")]

    def on_cards(x: Tensor, place: int, meet: bool, padding: int) -> Tensor:
        weight, bias = w[f"{convolutions[place]}.weight"], w[f"{convolutions[place]}.bias"]
        if meet:
            return F.conv2d(x, weight, bias, padding=padding).relu()
        halves = zip(x.chunk(2, 1), weight.chunk(2), bias.chunk(2), strict=True)
        return torch.cat([F.conv2d(a, b, c, padding=padding).relu() for a, b, c in halves], dim=1)

    x = F.conv2d(x, w["body.0.weight"], w["body.0.bias"], stride=4, padding=2).relu()
    x = F.max_pool2d(normalised(x), 3, 2)
    x = F.max_pool2d(normalised(on_cards(x, 1, False, 2)), 3, 2)
    x = on_cards(x, 2, True, 1)
    x = on_cards(on_cards(x, 3, False, 1), 4, False, 1)
    return head(F.max_pool2d(x, 3, 2), w)


def zeiler(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    """Return the logits of B×3×224×224 by Fig. 3 of Zeiler 2014."""
    sizes = ((2, 1), (2, 0), (1, 1), (1, 1), (1, 1))
    convolutions = [key.removesuffix(".weight") for key in w if key.startswith("body") and key.endswith("weight")]
    for place, (name, (stride, padding)) in enumerate(zip(convolutions, sizes, strict=True)):
        x = F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, padding).relu()
        if place < 2:
            x = normalised(F.max_pool2d(x, 3, 2, padding=1))
    return head(F.max_pool2d(x, 3, 2), w)


def compare(ours: torch.nn.Module, by_hand: Callable[[Tensor, dict[str, Tensor]], Tensor]) -> float:
    torch.manual_seed(0)
    for value in ours.parameters():
        if value.ndim == 1:
            torch.nn.init.uniform_(value, -0.5, 0.5)
    images = 8 * pixels(1, 3, 224, 224)  # large enough for the normalisation to matter
    with torch.inference_mode():
        expected = by_hand(ours.normalize(images), dict(ours.state_dict()))  # type: ignore[operator]
        return ((ours.eval()(images) - expected).abs().max() / expected.abs().max()).item()


@evidence.equals(
    "classify.alexnet", peer="torch", tolerance="1e-5", data="the paper's form card by card, random weights"
)
def test_the_papers_alexnet_equals_two_cards(measured: Callable[[float], None]) -> None:
    error = compare(classify.alexnet(5, variant="paper", hidden=32), two_cards)
    measured(error)
    assert error <= 1e-5


@evidence.equals("classify.zfnet", peer="torch", tolerance="1e-5", data="Fig. 3 written out, random weights")
def test_zfnet_equals_its_figure(measured: Callable[[float], None]) -> None:
    error = compare(classify.zfnet(5, hidden=32), zeiler)
    measured(error)
    assert error <= 1e-5


def test_maps_have_the_sizes_of_the_papers_figures() -> None:
    with torch.device("meta"):
        for model, sides in (
            (classify.alexnet(variant="paper"), [55, 27, 27, 13, 13, 13, 13, 6]),
            (classify.zfnet(), [110, 55, 26, 13, 13, 13, 13, 6]),
        ):
            x, found = torch.zeros(1, 3, 224, 224), []
            for layer in model.body:
                x = layer(x)
                if isinstance(layer, (torch.nn.Conv2d, torch.nn.MaxPool2d)):
                    found.append(x.shape[-1])
            assert found == sides
