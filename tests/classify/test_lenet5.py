"""LeNet-5 against a forward pass written unit by unit with SciPy; the paper's counts; refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from classify.parity import pixels
from sightline.classify import lenet5
from sightline.classify.lenet5 import C3_TABLE
from sightline.core import evidence
from sightline.core.errors import InputError


def squash(a: np.ndarray) -> np.ndarray:
    return 1.7159 * np.tanh(2 / 3 * a)


def subsample(maps: np.ndarray, coefficient: np.ndarray, bias: np.ndarray) -> np.ndarray:
    sums = np.stack([correlate2d(m, np.ones((2, 2)), "valid")[::2, ::2] for m in maps])
    return squash(sums * coefficient[:, None, None] + bias[:, None, None])


def by_hand(image: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    """Return the logits of one 28×28 image, one connection of the paper's Fig. 2 and Table I after the other."""
    x = np.pad(image, 2) * 1.275 - 0.1
    c1 = squash(
        np.stack([correlate2d(x, k[0], "valid") + b for k, b in zip(w["c1.weight"], w["c1.bias"], strict=True)])
    )
    s2 = subsample(c1, w["s2.coefficient"], w["s2.bias"])
    c3 = squash(
        np.stack(
            [
                sum(correlate2d(s2[i], w["c3.weight"][j, i], "valid") for i in inputs) + w["c3.bias"][j]
                for j, inputs in enumerate(C3_TABLE)
            ]
        )
    )
    s4 = subsample(c3, w["s4.coefficient"], w["s4.bias"])
    c5 = squash(np.einsum("jiyx,iyx->j", w["c5.weight"], s4) + w["c5.bias"])
    f6 = squash(w["head.1.weight"] @ c5 + w["head.1.bias"])
    return w["head.3.weight"] @ f6 + w["head.3.bias"]


@evidence.equals("classify.lenet5", peer="scipy", tolerance="1e-5", data="random weights, random pixels")
def test_lenet5_equals_the_paper_unit_by_unit(measured: Callable[[float], None]) -> None:
    model = lenet5().eval()
    with torch.no_grad():
        for value in model.parameters():
            if value.ndim == 1:
                value.uniform_(-0.5, 0.5)
    weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
    image = pixels(1, 1, 28, 28)
    with torch.inference_mode():
        error = np.abs(model(image)[0].numpy() - by_hand(image[0, 0].double().numpy(), weights)).max()
    measured(float(error))
    assert error <= 1e-5


def test_layers_have_the_papers_numbers_of_parameters() -> None:
    model = lenet5()
    counts = {name: sum(p.numel() for p in getattr(model, name).parameters()) for name in ("c1", "s2", "s4", "c5")}
    counts["c3"] = int(model.c3.connected.sum()) * 25 + 16  # only what is connected
    counts["f6"] = sum(p.numel() for p in model.head[1].parameters())
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164}


def test_missing_connections_stay_missing_in_training() -> None:
    model = lenet5()
    model(pixels(2, 1, 28, 28)).sum().backward()
    grad = model.c3.weight.grad
    assert grad is not None
    assert (grad * (1 - model.c3.connected)).abs().max() == 0


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (8, 8), (1, 1), (27, 20)])
def test_small_images_are_centred(size: tuple[int, int]) -> None:
    assert lenet5()(pixels(2, 1, *size)).shape == (2, 10)


def test_large_images_are_refused() -> None:
    with pytest.raises(InputError, match="lenet5: images must be at most 32×32 pixels; got 33×32"):
        lenet5()(pixels(1, 1, 33, 32))


def test_cam_map_is_c3() -> None:
    model = lenet5()
    seen: list[torch.Tensor] = []
    hook = model.cam_layer.register_forward_hook(lambda _m, _i, output: seen.append(model.cam_map(output)))
    images = pixels(2, 1, 28, 28)
    assert torch.equal(model(images), model.head(model.features(images)))
    hook.remove()
    assert seen[0].shape == (2, 16, 10, 10)
