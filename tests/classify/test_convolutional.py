"""What the convolutional families share: the papers' counts, sizes of images, the map that the head reads; refusals."""

from __future__ import annotations

import pytest
import torch

from classify.counts import counts, on_paper
from classify.parity import pixels
from sightline import classify
from sightline.core.errors import InputError
from sightline.nn import Classifier

# Method, options, parameters of the public checkpoint, billions of multiply-adds at a size as the source states them.
COUNTS = [
    ("alexnet", {}, 61_100_840, 224, 0.71),  # torchvision
    ("alexnet", {"variant": "paper"}, 60_965_224, 224, 0.72),  # Krizhevsky 2012: 60 million
    ("zfnet", {}, 62_357_608, 224, 1.18),
    ("vgg11", {}, 132_863_336, 224, 7.6),  # Simonyan 2015, Table 2: 133, 133, 138, 144 million
    ("vgg13", {}, 133_047_848, 224, 11.3),
    ("vgg16", {}, 138_357_544, 224, 15.5),
    ("vgg16", {"batch_norm": True}, 138_365_992, 224, 15.5),
    ("vgg19", {}, 143_667_240, 224, 19.6),  # He 2016, section 3.3: 19.6
    ("googlenet", {}, 6_624_904, 224, 1.5),  # Szegedy 2015, section 1: 1.5
    ("googlenet", {"auxiliary": True}, 13_004_888, 224, 1.5),
    ("inception_v3", {}, 23_834_568, 299, 5.7),
    ("inception_v3", {"auxiliary": True}, 27_161_264, 299, 5.7),
    ("resnext", {}, 25_028_904, 224, 4.2),  # Xie 2017, Table 1: 25.0 million, 4.2
    ("resnext", {"variant": "101_32x8d"}, 88_791_336, 224, 16.4),  # Mahajan 2018: 88 million, 16
    ("resnext", {"variant": "101_64x4d"}, 83_455_272, 224, 15.5),  # Xie 2017, Table 4: 15.6
    ("wide_resnet", {}, 68_883_240, 224, 11.4),  # Zagoruyko 2016, Table 8: 68.9 million
    ("wide_resnet", {"variant": "101_2"}, 126_886_696, 224, 22.8),
    ("squeezenet", {"version": "1.0"}, 1_248_424, 224, 0.82),  # Iandola 2016, Table 1: 1,248,424
    ("squeezenet", {"version": "1.1"}, 1_235_496, 224, 0.35),
    ("mobilenet_v2", {}, 3_504_872, 224, 0.30),  # Sandler 2018, Table 4: 3.4 million, 300 million
    ("mobilenet_v3", {"variant": "large"}, 5_483_032, 224, 0.22),  # Howard 2019, Table 3: 5.4 million, 219 million
    ("mobilenet_v3", {"variant": "small"}, 2_542_856, 224, 0.056),  # 2.5 million, 56 million
    ("densenet", {"variant": "121"}, 7_978_856, 224, 2.8),
    ("densenet", {"variant": "161"}, 28_681_000, 224, 7.7),
    ("densenet", {"variant": "169"}, 14_149_480, 224, 3.4),
    ("densenet", {"variant": "201"}, 20_013_928, 224, 4.3),
    ("efficientnet", {"variant": "b0"}, 5_288_548, 224, 0.39),  # Tan 2019, Table 2: 5.3 … 66 million, 0.39 … 37
    ("efficientnet", {"variant": "b1"}, 7_794_184, 240, 0.70),
    ("efficientnet", {"variant": "b2"}, 9_109_994, 260, 1.0),
    ("efficientnet", {"variant": "b3"}, 12_233_232, 300, 1.8),
    ("efficientnet", {"variant": "b4"}, 19_341_616, 380, 4.2),
    ("efficientnet", {"variant": "b5"}, 30_389_784, 456, 9.9),
    ("efficientnet", {"variant": "b6"}, 43_040_704, 528, 19.0),
    ("efficientnet", {"variant": "b7"}, 66_347_960, 600, 37.0),
    ("convnext", {"variant": "tiny"}, 28_589_128, 224, 4.5),  # Liu 2022, Table 1: 29, 50, 89, 198 million, 4.5 … 34.4
    ("convnext", {"variant": "small"}, 50_223_688, 224, 8.7),
    ("convnext", {"variant": "base"}, 88_591_464, 224, 15.4),
    ("convnext", {"variant": "large"}, 197_767_336, 224, 34.4),
]
# One small network of each family, and the least side of its images.
SMALL = [
    ("alexnet", {"hidden": 8}, 63),
    ("alexnet", {"hidden": 8, "variant": "paper"}, 63),
    ("zfnet", {"hidden": 8}, 53),
    ("vgg11", {"hidden": 8}, 32),
    ("googlenet", {}, 15),
    ("inception_v3", {}, 75),
    ("squeezenet", {"version": "1.0"}, 21),
    ("squeezenet", {}, 17),
    ("squeezenet", {"stem": "small"}, 4),
    ("densenet", {}, 29),
    ("densenet", {"stem": "small"}, 8),
    ("convnext", {}, 32),
    ("convnext", {"stem": "small"}, 16),
    ("mobilenet_v2", {"width": 0.35}, 1),
    ("mobilenet_v3", {"variant": "small"}, 1),
    ("efficientnet", {"stem": "small"}, 1),
]
IDS = [f"{name} {' '.join(map(str, options.values()))}".strip() for name, options, _ in SMALL]


QUICK = ({"version": "1.1"}, {"variant": "small"}, {"hidden": 8})


@pytest.mark.parametrize(
    ("name", "options", "parameters", "size", "billions"),
    [pytest.param(*row, marks=() if row[1] in QUICK and row[0] != "convnext" else pytest.mark.slow) for row in COUNTS],
)
def test_counts_are_the_published_ones(
    name: str, options: dict[str, object], parameters: int, size: int, billions: float
) -> None:
    assert counts(on_paper(name, options), size) == (parameters, pytest.approx(billions, rel=0.06))


@pytest.mark.parametrize(("name", "options", "least"), SMALL, ids=IDS)
def test_the_smallest_image_leaves_one_place_and_a_smaller_one_is_refused(
    name: str, options: dict[str, object], least: int
) -> None:
    model = on_paper(name, {"classes": 5, **options})
    image = torch.zeros(2, 3, least, least + 3, device="meta")
    assert min(model.features(image).shape[-2:]) == 1
    assert model(image).shape == (2, 5)
    if least > 1:
        with pytest.raises(
            InputError, match=rf"{name}: images must be at least {least}×{least} pixels; got {least - 1}×"
        ):
            model(image[..., : least - 1, :])


@pytest.mark.parametrize(
    ("name", "options"), [("squeezenet", {}), ("googlenet", {}), ("mobilenet_v2", {"width": 0.35})]
)
def test_cam_layer_gives_the_map_that_the_head_reads(name: str, options: dict[str, object]) -> None:
    model = getattr(classify, name)(3, **options).eval()
    seen: list[torch.Tensor] = []
    hook = model.cam_layer.register_forward_hook(lambda _m, _i, output: seen.append(model.cam_map(output)))
    images = pixels(1, 3, 40, 33)
    logits = model(images)
    hook.remove()
    assert isinstance(model, Classifier)
    assert torch.equal(seen[0], model.features(images))
    assert torch.equal(logits, model.head(seen[0]))


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("alexnet", {"variant": "papr"}, "alexnet: variant must be one of 'single', 'paper'; got 'papr'. Did you mean"),
        ("vgg16", {"batch_norm": "yes"}, "vgg16: batch_norm must be True or False; got"),
        ("vgg16", {"hidden": 0}, "vgg16: hidden must be a whole number ≥ 1; got 0"),
        ("densenet", {"variant": "120"}, "densenet: variant must be one of '121', '161'"),
        ("efficientnet", {"drop": 2}, "efficientnet: drop must be a number in 0–1; got 2"),
        ("mobilenet_v2", {"width": 0}, "mobilenet_v2: width must be a number in 0.05–4; got 0"),
        ("convnext", {"stem": "smal"}, "convnext: stem must be one of 'imagenet', 'small'; got 'smal'."),
        ("resnext", {"variant": "50"}, "resnext: variant must be one of '50_32x4d'"),
        ("zfnet", {"classes": 0}, "zfnet: classes must be a whole number ≥ 1; got 0"),
        ("googlenet", {"mean": (0.5,)}, "normalize: mean and std must have 3 numbers each"),
    ],
)
def test_bad_options_are_refused_by_name(name: str, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        getattr(classify, name)(**options)
    assert sentence in str(caught.value)


def test_images_too_small_for_the_classifiers_on_the_way_are_refused() -> None:
    model = on_paper("inception_v3", {"auxiliary": True})
    with pytest.raises(InputError, match="inception_v3: images must be at least 259×259 pixels; got 128×128"):
        model.all_logits(torch.zeros(1, 3, 128, 128, device="meta"))


def test_nan_reaches_its_own_logits_only() -> None:
    model = classify.mobilenet_v3(4, variant="small", stem="small").eval()
    images = pixels(2, 3, 16, 16)
    images[0, 0, 3, 3] = torch.nan
    logits = model(images)
    assert logits[0].isnan().all()
    assert logits[1].isfinite().all()


def test_wide_and_grouped_bottlenecks_keep_their_outputs() -> None:
    shapes = {"resnext": (1, 2048, 1, 1), "wide_resnet": (1, 2048, 1, 1)}
    for name, shape in shapes.items():
        assert on_paper(name, {}).features(torch.zeros(1, 3, 32, 32, device="meta")).shape == shape
    block = on_paper("resnext", {}).stages[0][1]
    assert (block.conv2.conv.groups, block.conv2.conv.out_channels) == (32, 128)
