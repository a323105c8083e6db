"""A network whose weights hold NaN is refused in one sentence, also where nobody asks for its scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sightline.classify import vit
from sightline.core.errors import InputError
from sightline.explain import (
    attention_map,
    attention_rollout,
    class_visualization,
    deep_dream,
    eigen_cam,
    embedding_plot,
    fast_style,
    feature_inversion,
    feature_maps,
    filters,
    style_transfer,
)

PHOTO = np.random.default_rng(0).random((32, 32, 3), np.float32)
CALLS = {
    "class_visualization": lambda model, image: class_visualization(model, 1, shape=(3, 32, 32), iterations=1),
    "deep_dream": lambda model, image: deep_dream(model, image, iterations=1),
    "eigen_cam": eigen_cam,
    "embedding_plot": lambda model, image: embedding_plot(model, image.expand(3, 3, 32, 32)),
    "fast_style": lambda model, image: fast_style(model, image, [PHOTO], width=4, size=32, iterations=1),
    "feature_inversion": lambda model, image: feature_inversion(model, image, iterations=1),
    "feature_maps": feature_maps,
    "filters": lambda model, image: filters(model),
    "style_transfer": lambda model, image: style_transfer(model, image, image, iterations=1),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_cnn_is_refused(name, cnn):
    with torch.no_grad():
        cnn.first.weight[2] = torch.nan
    image = torch.from_numpy(PHOTO).permute(2, 0, 1)
    with pytest.raises(InputError, match=rf"^{name}: model must give .* that are numbers; got NaN\."):
        CALLS[name](cnn, image)


@pytest.mark.parametrize("attend", [attention_map, attention_rollout])
def test_a_transformer_is_refused(attend):
    model = vit(3, size=32, patch=8, dim=16, depth=2, num_heads=2)
    with torch.no_grad():
        model.blocks[0].norm1.weight[3] = torch.nan
    with pytest.raises(InputError, match=r"weights of attention .* the first ones in 'blocks\.0\.norm1\.weight'"):
        attend(model, torch.rand(3, 32, 32))


def test_a_vision_transformer_dreams_in_whole_patches():
    model = vit(3, size=64, patch=16, dim=16, depth=2, num_heads=2).eval()
    assert deep_dream(model, torch.rand(3, 64, 96), iterations=1, octaves=4).shape == (64, 96, 3)
