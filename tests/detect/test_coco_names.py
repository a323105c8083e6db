"""COCO's classes, and what other classes begin as."""

import pytest
import torch

from sightline.core.errors import InputError
from sightline.detect.coco_names import COCO_NAMES, alike
from sightline.detect.nanodet import nanodet
from sightline.detect.recipe import DetectRecipe


def test_there_are_eighty_in_the_order_of_the_public_weights(shared_data):
    theirs = (shared_data / "weights/coco.names").read_text("utf-8").split("\n")[:80]  # with VOC's word for some
    unlike = {ours: word for ours, word in zip(COCO_NAMES, theirs, strict=True) if ours != word}
    assert len(set(COCO_NAMES)) == 80
    assert set(unlike) == {"motorcycle", "airplane", "couch", "potted plant", "dining table", "tv"}


def test_a_class_begins_as_its_namesake_unless_it_is_told():
    assert alike(("dog", "raccoon", "person")) == [16, -1, 0]
    assert alike(("dog", "raccoon", "person"), " , bear,dog") == [-1, 21, 16]
    assert alike(("teddy bear",)) == [77]


def test_what_it_refuses():
    with pytest.raises(InputError, match="like must name one of COCO's classes, or nothing, for each of the 2 classes"):
        alike(("a", "b"), "dog")
    with pytest.raises(InputError, match=r"got 'bare'\. Did you mean 'bear'"):
        alike(("raccoon",), "bare")


def test_the_recipe_passes_it_on(shared_data):
    weights = str(shared_data / "weights/nanodet_m.npz")
    recipe = DetectRecipe.open("nanodet", shared_data / "raccoon", 0, {"weights": weights, "like": "bear"})
    whole = nanodet()
    whole.begin(weights)
    ours, theirs = (model.head.levels[0][-1].bias for model in (recipe.model(), whole))
    assert torch.equal(ours, theirs[[COCO_NAMES.index("bear"), *range(80, 80 + 32)]])
