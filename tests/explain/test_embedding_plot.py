from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from sightline.classify import squeezenet
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.core.trace import trace
from sightline.explain import embedding_plot
from sightline.learn import TSNE


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


def test_neighbours_stay_neighbours(cnn):
    random = torch.Generator().manual_seed(2)
    dark, light = (torch.rand(12, 3, 16, 16, generator=random) * 0.1 + base for base in (0.0, 0.8))
    found = embedding_plot(cnn, torch.cat([dark, light]), ["dark"] * 12 + ["light"] * 12, layout="tsne", seed=1)
    apart = np.linalg.norm(found.points[:, None] - found.points, axis=2) + np.diag([np.inf] * 24)
    assert ((apart.argmin(axis=1) < 12) == (np.arange(24) < 12)).all()
    np.testing.assert_array_equal(found.features, embedding_plot(cnn, torch.cat([dark, light])).features)
    expected = TSNE(perplexity=23 / 3, seed=1).fit_transform(found.features)
    np.testing.assert_array_equal(found.points, expected.astype(np.float32))
    assert found.explained == ()
    assert "t-SNE" in found.to_html()


def test_a_network_that_ends_in_a_convolution(many):
    model, many = squeezenet(5).eval(), many.repeat(1, 1, 2, 2)
    found = embedding_plot(model, many)
    seen = []
    handle = model.head[1].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.no_grad():
        model(many)
    handle.remove()
    assert found.features.shape == (9, 512)
    np.testing.assert_allclose(found.features, seen[0].mean(dim=(2, 3)).numpy(), atol=1e-6)


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
        embedding_plot(nn.Flatten(2), many)
    with pytest.raises(InputError, match="embedding_plot: layout must be"):
        embedding_plot(cnn, many, layout="umap")
