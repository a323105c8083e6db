from __future__ import annotations

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import style_transfer


def by_formula(cnn, picture, content, style):
    """Return the two distances, sum by sum: equations 1 and 4 of the paper, each relative to its target."""
    with torch.no_grad():
        first, second = ([], [])
        for image in (picture, content, style):
            first.append(cnn.first(image.double())[0].numpy())
            second.append(cnn.second(torch.relu(cnn.norm(cnn.first(image.double()))))[0].numpy())

    def gram(maps):
        flat = maps.reshape(len(maps), -1)
        return np.array([[(a * b).sum() / len(a) for b in flat] for a in flat])

    def relative(found, wanted):
        return ((found - wanted) ** 2).sum() / (wanted**2).sum()

    styles = [relative(gram(maps[0]), gram(maps[2])) for maps in (first, second)]
    return relative(second[0], second[1]), np.mean(styles)


@evidence.equals("explain.style_transfer", peer="numpy, sum by sum", tolerance="1e-5 relative", data="random weights")
def test_the_distances_are_the_papers(cnn, images, measured):
    content, style = images[0], images[1, :, :12]
    frames = []
    options = {"content_layer": "second", "style_layers": ["first", "second"], "iterations": 16}
    made = style_transfer(cnn, content, style, **options, progress=frames.append)
    steps = trace(style_transfer, cnn, content, style, **options)
    np.testing.assert_array_equal(steps.result, made)
    cnn.double()
    errors = []
    for at in (0, 5, 16):
        picture = torch.from_numpy(frames[at]).permute(2, 0, 1)[None]
        for name, expected in zip(
            ("content", "style"), by_formula(cnn, picture, content[None], style[None]), strict=True
        ):
            found = steps[f"distance from the {name}"].value[at, 1]
            errors.append(abs(found - expected) / max(expected, 1e-3))
    measured(max(errors))
    assert max(errors) <= 1e-5
    assert steps["distance from the style"].value[-1, 1] < steps["distance from the style"].value[0, 1]
    names = [
        "content",
        "style",
        "after 1",
        "after 4",
        "distance from the content",
        "distance from the style",
        "picture",
    ]
    assert [step.name for step in steps] == names


def test_only_the_content_counts_without_style(cnn, images):
    made = style_transfer(cnn, images[0], images[1], style_weight=0, smoothness=0, iterations=3)
    np.testing.assert_allclose(made, images[0].permute(1, 2, 0).numpy(), atol=1e-6)


def test_noise_transformers_and_refusals(cnn, transformer, images):
    first = style_transfer(transformer, images[0], images[1], start="noise", iterations=2, seed=1)
    assert first.shape == (16, 16, 3)
    other = style_transfer(transformer, images[0], images[1], start="noise", iterations=2, seed=2)
    assert not np.array_equal(first, other)
    with pytest.raises(InputError, match="style_transfer: start must be"):
        style_transfer(cnn, images[0], images[1], start="black")
    with pytest.raises(InputError, match="style_transfer: layer must be one of the model's; got 'third'"):
        style_transfer(cnn, images[0], images[1], style_layers=["third"])
    with pytest.raises(InputError, match="style_transfer: image must be one image; got 3"):
        style_transfer(cnn, images, images[1])
