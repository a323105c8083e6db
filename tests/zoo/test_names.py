"""Name maps."""

from __future__ import annotations

import pytest

from sightline.classify import resnet20, resnet50, vit
from sightline.core.errors import InputError
from sightline.zoo.names import NAMINGS, detect, names

TINY = {"size": 16, "patch": 8, "dim": 8, "depth": 2, "num_heads": 2}


@pytest.mark.parametrize("naming", NAMINGS[:4])
def test_every_key_has_names_of_its_own(naming: str) -> None:
    for model in (vit(3, **TINY), resnet20(3)):
        mapping = names(model.state_dict(), naming)
        theirs = [name for group in mapping.values() for name in group]
        assert mapping.keys() == model.state_dict().keys()
        assert len(set(theirs)) == len(theirs)
        assert not any("\\" in name or "{" in name for name in theirs)


@pytest.mark.parametrize("naming", ["sightline", "torchvision", "transformers"])
def test_the_naming_of_a_file_is_found(naming: str) -> None:
    keys = list(resnet20(3).state_dict())
    found = [name for group in names(keys, naming).values() for name in group]
    assert detect(keys, found[:-1]) == naming


def test_stages_and_layers_are_counted_as_each_library_does() -> None:
    keys = ["stages.0.2.conv3.norm.running_var", "stages.3.0.shortcut.conv.weight"]
    assert list(names(keys, "torchvision").values()) == [
        ("layer1.2.bn3.running_var",),
        ("layer4.0.downsample.0.weight",),
    ]
    assert list(names(keys, "transformers").values()) == [
        ("resnet.encoder.stages.0.layers.2.layer.2.normalization.running_var",),
        ("resnet.encoder.stages.3.layers.0.shortcut.convolution.weight",),
    ]


def test_other_models_keep_their_names() -> None:
    assert names(["encoder.weight"], "timm") == {"encoder.weight": ("encoder.weight",)}


def test_an_unknown_naming_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'torchvision'"):
        names(resnet50(2).state_dict(), "torchvison")
