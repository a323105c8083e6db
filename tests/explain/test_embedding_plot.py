from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import embedding_plot


@pytest.fixture
def many() -> torch.Tensor:
    return torch.rand(9, 3, 16, 16, generator=torch.Generator().manual_seed(6))


@evidence.equals("explain.embedding_plot", peer="scikit-learn", tolerance="1e-5 of the span", data="random weights")
def test_map_equals_the_principal_components(cnn, many, measured):
    found = embedding_plot(cnn, many)
    peer = PCA(n_components=2, svd_solver="full")
    expected = peer.fit_transform(found.features.astype(np.float64))
    signs = np.sign((expected * found.points).sum(axis=0))
    error = np.abs(found.points - expected * signs).max() / np.ptp(expected)
    measured(error)
    assert error <= 1e-5
    np.testing.assert_allclose(found.explained, peer.explained_variance_ratio_, atol=1e-6)


def test_features_are_what_the_last_layer_reads(cnn, transformer, many):
    for model in (cnn, transformer):
        found = embedding_plot(model, many)
        logits = found.features @ model.head.weight.detach().numpy().T + model.head.bias.detach().numpy()
        np.testing.assert_allclose(logits, model(many).detach().numpy(), atol=1e-5)
        assert not model.head._forward_pre_hooks


def test_pictures_are_taken_one_by_one(cnn, many):
    pictures = [(image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8) for image in many]
    found = embedding_plot(cnn, pictures, labels=["a", "b", "c"] * 3)
    np.testing.assert_allclose(found.points, embedding_plot(cnn, many).points, atol=0.02)
    assert found.thumbnails.shape == (9, 64, 64, 3)
    np.testing.assert_array_equal(found.thumbnails[2, ::4, ::4], pictures[2])


def test_page_is_one_file_that_asks_for_nothing(cnn, many, tmp_path):
    found = embedding_plot(cnn, many, labels=["</script>", "b", "c"] * 3)
    found.save(tmp_path / "map.html", title="<Map>")
    page = (tmp_path / "map.html").read_text("utf-8")
    assert "&lt;Map&gt;" in page
    assert page.count("</script>") == 2
    assert not re.findall(r"(?:src|href)=[\"']?(?!data:)\w|https?://", page)
    assert "{{" not in page
    assert found.draw(200).shape == (200, 200, 3)


def test_every_label_has_a_colour_of_its_own(cnn, many):
    found = embedding_plot(cnn, many, labels="abcdefghi")
    colours = re.search(r'"colours": (\[.*?\])', found.to_html()).group(1)
    assert len(set(json.loads(colours))) == 9


def test_one_direction_and_none():
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2))
    one = embedding_plot(model, torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1))
    np.testing.assert_allclose(np.abs(one.points[:, 0]), [0.5, 0, 0.5], atol=1e-6)
    assert not one.points[:, 1].any()
    assert one.explained == (1.0, 0.0)
    same = embedding_plot(model, torch.ones(4, 1, 1, 1))
    assert not same.points.any()
    assert "NaN" not in same.to_html()


def test_steps(cnn, many):
    steps = trace(embedding_plot, cnn, many)
    np.testing.assert_array_equal(steps.result.points, embedding_plot(cnn, many).points)
    assert steps.to_bytes()


def test_refusals(cnn, many):
    with pytest.raises(InputError, match="embedding_plot: images must be three or more; got 2"):
        embedding_plot(cnn, many[:2])
    with pytest.raises(InputError, match="labels must be one for each of 9 images; got 1"):
        embedding_plot(cnn, many, "a")
    with pytest.raises(InputError, match="a list of arrays of one size"):
        embedding_plot(cnn, [np.zeros((8, 8)), np.zeros((9, 8))])
    with pytest.raises(InputError, match="model must end in a linear layer"):
        embedding_plot(nn.Conv2d(3, 2, 1), many)
