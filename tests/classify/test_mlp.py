"""The perceptron against scikit-learn with its weights; shapes, refusals."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from classify.parity import pixels
from sightline.classify import mlp
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.zoo import load_weights


def their_weights(peer: MLPClassifier, ours: torch.nn.Module) -> dict[str, torch.Tensor]:
    layers = [value for pair in zip(peer.coefs_, peer.intercepts_, strict=True) for value in pair]
    return {name: torch.from_numpy(value.T.copy()) for name, value in zip(ours.state_dict(), layers, strict=True)}


@evidence.equals("classify.mlp", peer="scikit-learn", tolerance="1e-5 of a probability", data="digits, trained weights")
def test_mlp_equals_scikit_learn(measured: Callable[[float], None]) -> None:
    images, labels = load_digits(return_X_y=True)
    peer = MLPClassifier((50, 30), max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.fit(images / 16, labels)
    ours = mlp(10, size=8, hidden=(50, 30), mean=(0.0,), std=(1.0,)).eval()
    load_weights(ours, their_weights(peer, ours))
    with torch.inference_mode():
        found = ours(torch.from_numpy(images / 16).float().view(-1, 1, 8, 8)).softmax(dim=1).numpy()
    error = float(np.abs(found - peer.predict_proba(images / 16)).max())
    measured(error)
    assert error <= 1e-5


def test_logits_are_head_of_features() -> None:
    model = mlp(3, size=(6, 4), hidden=(5,), in_channels=2)
    images = pixels(2, 2, 6, 4)
    assert torch.equal(model(images), model.head(model.features(images)))


def test_no_hidden_layer_is_a_linear_classifier() -> None:
    assert sum(p.numel() for p in mlp(10, hidden=()).parameters()) == 7850


def test_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="mlp: images must be 28×28 pixels; got 27×28"):
        mlp()(pixels(1, 1, 27, 28))


def test_it_has_no_map_for_grad_cam() -> None:
    with pytest.raises(InputError, match=r"no spatial layer .* explain\.saliency"):
        _ = mlp().cam_layer


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hidden": (0,)}, "mlp: hidden[0] must be a whole number ≥ 1; got 0."),
        ({"size": (28,)}, "mlp: size must be (height, width)"),
    ],
)
def test_bad_options_are_refused_by_name(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        mlp(**options)  # type: ignore[arg-type]
    assert sentence in str(caught.value)
