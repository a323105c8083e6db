"""Grounding DINO against transformers at random weights: several phrases, texts and pictures of different sizes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
    SwinConfig,
)
from transformers.loss.loss_grounding_dino import GroundingDinoForObjectDetectionLoss, GroundingDinoHungarianMatcher
from transformers.models.grounding_dino.modeling_grounding_dino import build_label_maps, build_text_mask

from classify.parity import randomise
from detect.set_peers import learnt_by_heart
from sightline import detect
from sightline.classify.swin import SwinConfig as SwinSizes
from sightline.classify.swin import build
from sightline.core import evidence
from sightline.core.errors import InputError, WeightsError
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit
from sightline.detect.grounding_dino import GroundingDINO, GroundingDINOConfig
from sightline.detect.named_classes import NamedClasses
from sightline.detect.phrase_rule import PhraseRule
from sightline.detect.prompt import joined, read_vocabulary
from sightline.detect.set_matching import HungarianMatcher, as_shares
from sightline.detect.swin_maps import SwinMaps
from sightline.nn.bert import BertConfig as TextSizes
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.wordpiece import WordPiece
from sightline.zoo import export_weights, load_weights

# The numbers of the marks are those of the public vocabulary: transformers knows what ends a phrase by them.
KNOWN = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 1010: ",", 1012: ".", 1029: "?"}
KNOWN |= dict(enumerate(["a", "cat", "remote", "control", "##s", "dog", "red"], 200))
PIECES = [KNOWN.get(number, f"[unused{number}]") for number in range(1100)]
CASES = {
    "one phrase": ([(64, 64)], ["a cat."]),
    "several phrases, a question, an odd size": ([(93, 130)], ["a cat. remote controls. a red dog?"]),
    "pictures and texts of different sizes": ([(96, 128), (64, 72)], ["a cat. remote controls.", "dog."]),
}


Both = tuple[GroundingDINO, GroundingDinoForObjectDetection]


def vocabulary() -> WordPiece:
    return WordPiece(PIECES)


def small(queries: int = 10) -> GroundingDINO:
    torch.manual_seed(0)
    body, _ = build(SwinSizes(24, (1, 1, 2, 1), (1, 2, 3, 3), 0.0, classes=1, window=4))
    config = GroundingDINOConfig(
        dim=64, num_heads=4, encoder=2, decoder=2, hidden=64, queries=queries, text=TextSizes(1100, 32, 1, 2, 64)
    )
    fit = Fit(pixel_normalize("grounding_dino", 3, None, None), 0, 0, multiple=4)
    return GroundingDINO(fit, SwinMaps(body), config, vocabulary())


def peer() -> GroundingDinoForObjectDetection:
    backbone = SwinConfig(
        embed_dim=24, depths=[1, 1, 2, 1], num_heads=[1, 2, 3, 3], window_size=4, out_indices=[2, 3, 4]
    )
    text = BertConfig(vocab_size=1100, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    sizes = {"encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_queries": 10}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
    more = {**heads, "auxiliary_loss": True}
    config = GroundingDinoConfig(backbone_config=backbone, text_config=text, d_model=64, **sizes, **more)
    return randomise(GroundingDinoForObjectDetection(config))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def both() -> Both:
    """Return ours and theirs with the same weights."""
    theirs = peer()
    return load_weights(small(), theirs.state_dict(), naming="transformers").eval(), theirs


def theirs_of(
    ours: GroundingDINO, theirs: GroundingDinoForObjectDetection, images: list[Tensor], texts: list[str], **more: Any
) -> Any:
    """Return what theirs says of the pixels that ours would see, read by their own tokenizer."""
    fitted, prompt = ours.fit(images), ours.prompt(texts)
    asked = tokenizer_of(prompt.vocabulary)(texts, return_tensors="pt", padding=True)
    assert torch.equal(prompt.ids, asked["input_ids"])
    with torch.no_grad():
        return theirs(pixel_values=fitted.images, pixel_mask=fitted.real.long(), **asked, **more)


def tokenizer_of(vocabulary: WordPiece) -> BertTokenizer:
    return BertTokenizer(vocab={piece: number for number, piece in enumerate(vocabulary.pieces)})


def pictures(sizes: list[tuple[int, int]]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.rand(3, *size, generator=generator) for size in sizes]


def worst_difference(ours: GroundingDINO, theirs: GroundingDinoForObjectDetection, images: list, texts: list) -> float:
    said = theirs_of(ours, theirs, images, texts)
    with torch.no_grad():
        layers = ours.layers(ours.fit(images), ours.prompt(texts))
    logits = said.logits[..., : layers[-1].logits.shape[-1]]
    seen = logits.isfinite()
    assert torch.equal(seen, layers[-1].logits.isfinite())
    scale = logits[seen].abs().max().clamp(min=1)
    boxes = [one.boxes for one in layers]
    expected = [said.init_reference_points, *said.intermediate_reference_points.unbind(1)]
    apart = [((layers[-1].logits - logits)[seen].abs().max() / scale), (boxes[-1] - said.pred_boxes).abs().max()]
    apart += [(boxes[0] - expected[0]).abs().max()]
    return max(float(one) for one in apart)


@evidence.equals(
    "detect.grounding_dino",
    peer="transformers",
    tolerance="1e-4 of the largest logit, of the image's side for boxes",
    data="random weights; several phrases, a batch of pictures and texts of different sizes",
)
@pytest.mark.parametrize("case", CASES)
def test_grounding_dino_equals_transformers(case: str, both: Both, measured: Callable[[float], None]) -> None:
    sizes, texts = CASES[case]
    error = worst_difference(*both, pictures(sizes), texts)
    measured(error)
    assert error <= 1e-4


def test_what_is_found_and_its_name_equal_transformers(both: Both) -> None:
    sizes, texts = CASES["pictures and texts of different sizes"]
    (ours, theirs), images = both, pictures(sizes)
    said, ids = theirs_of(ours, theirs, images, texts), ours.prompt(texts).ids
    processor = GroundingDinoProcessor(GroundingDinoImageProcessor(), tokenizer_of(vocabulary()))
    expected = processor.post_process_grounded_object_detection(said, ids, 0.6, 0.5, target_sizes=list(sizes))
    found = ours(images, texts, box_threshold=0.6, text_threshold=0.5)
    assert [len(one) for one in found] == [len(one["scores"]) for one in expected]
    named = 0
    for one, other in zip(found, expected, strict=True):
        assert (np.diff(one.scores) <= 0).all()
        for box, score, name in zip(other["boxes"].numpy(), other["scores"], other["text_labels"], strict=True):
            apart = np.abs(one.boxes - box).max(axis=1)
            nearest = int(apart.argmin())
            assert apart[nearest] < 1e-2  # pixels
            assert abs(one.scores[nearest] - score) < 1e-4
            plain = " ".join(re.sub(r"\[SEP\]|[.?]", " ", name).split())  # what ends a phrase is no part of a name here
            assert one.name(nearest) == (plain or one.name(nearest)) != ""
            named += bool(plain)
    assert named > 5


@evidence.equals(
    "detect.grounding_dino",
    peer="transformers",
    tolerance="1e-4 of each loss; pairs identical",
    data="two pictures with two phrases each, all layers and the selection",
)
def test_losses_and_pairs_equal_transformers(both: Both, measured: Callable[[float], None]) -> None:
    (ours, theirs), images = both, pictures([(96, 128), (80, 80)])  # theirs mixes up the phrases of a third
    texts = ["a cat. remote controls.", "a red dog. cats."]
    boxes = [torch.tensor([[4.0, 5, 60, 70], [50, 20, 120, 90], [9, 40, 70, 88]]), torch.tensor([[10.0, 20, 50, 60]])]
    targets: list[Targets] = [
        {"boxes": one, "labels": labels}
        for one, labels in zip(boxes, [torch.tensor([0, 1, 0]), torch.tensor([1])], strict=True)
    ]
    fitted, prompt = ours.fit(images), ours.prompt(texts)
    with torch.no_grad():
        selection, *layers = ours.layers(fitted, prompt)
        found = ours.learn(fitted, prompt, targets)
    labels = [{"class_labels": one["labels"], "boxes": one["boxes"]} for one in as_shares(targets, fitted.sizes)]
    maps = build_label_maps(layers[-1].logits, prompt.ids)
    asked = build_text_mask(layers[-1].logits, prompt.real.long())
    _, expected, _ = GroundingDinoForObjectDetectionLoss(
        *(layers[-1].logits, labels, torch.device("cpu"), layers[-1].boxes, theirs.config, maps, asked),
        torch.stack([one.logits for one in layers]),
        torch.stack([one.boxes for one in layers]),
        *(selection.logits, selection.boxes),
    )
    kinds = {"classification": ("loss_ce", 2), "boxes": ("loss_bbox", 5), "overlap": ("loss_giou", 2)}
    sums = {
        ours_: weight * sum(value for key, value in expected.items() if key.startswith(name)).item()
        for ours_, (name, weight) in kinds.items()
    }
    assert len(expected) == 4 * 3 == 4 * (1 + len(layers))
    error = max(abs(found[name].item() - value) / value for name, value in sums.items())
    rule, matcher = PhraseRule.of(prompt), GroundingDinoHungarianMatcher(1, 5, 2)
    shifted: list[Targets] = [
        {"boxes": one["boxes"], "labels": one["class_labels"] + 2 * i} for i, one in enumerate(labels)
    ]
    said = {"logits": layers[0].logits, "pred_boxes": layers[0].boxes, "label_maps": maps}
    for pair, other in zip(HungarianMatcher(rule)(layers[0], shifted), matcher(said, labels), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(pair, other, strict=True))
    measured(error)
    assert error <= 1e-4


def test_weights_go_out_as_they_came_and_files_may_keep_shared_ones_once(both: Both) -> None:
    ours, theirs = both[0], both[1].state_dict()
    back = export_weights(ours, naming="transformers")
    assert {key for key in theirs if key not in back} == {
        *(key for key in theirs if key.startswith("model.decoder.bbox_embed.")),
        *(key for key in theirs if ".swin.layernorm." in key),
    }
    assert all(torch.equal(back[key], theirs[key]) for key in back)
    once = {
        key: tensor for key, tensor in theirs.items() if not re.match(r"bbox_embed\.[1-9]|model\.decoder\.bbox", key)
    }
    again = load_weights(small(), as_version_4_wrote(once))
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), ours.parameters(), strict=True))
    torn = {**theirs, "bbox_embed.1.layers.0.bias": theirs["bbox_embed.0.layers.0.bias"] + 1}
    with pytest.raises(WeightsError, match=r"bbox_embed.1.layers.0.bias must equal bbox_embed.0.layers.0.bias"):
        load_weights(small(), torn)


def as_version_4_wrote(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    old = {}
    for key, tensor in weights.items():
        if ".conv_encoder.model.swin." in key:
            key = key.replace("model.swin.", "model.").replace("attention.relative_position_bias.", "attention.self.")
            for part in ("query", "key", "value"):
                key = key.replace(f"attention.{part[0]}_proj", f"attention.self.{part}")
            key = key.replace("attention.o_proj", "attention.output.dense").replace("mlp.fc1", "intermediate.dense")
            key = key.replace("mlp.fc2", "output.dense")
        old[key] = tensor
    return old


def test_each_phrase_is_read_alone() -> None:
    ours = small().eval()
    prompt = ours.prompt(["a cat. red dogs", "dog."])
    assert prompt.ids[1].tolist() == [101, 205, 1012, 102, 0, 0, 0, 0, 0]
    assert prompt.positions.tolist() == [[0, 0, 1, 2, 0, 1, 2, 3, 0], [0, 0, 1, 0, 0, 0, 0, 0, 0]]
    assert prompt.attends[0, 1].nonzero().flatten().tolist() == [1, 2, 3]
    scores = torch.tensor([0.9, 0.1, 0.6, 0.9, 0.2, 0.7, 0.5, 0.1, 0.1])
    assert [prompt.name(0, scores, least) for least in (0.05, 0.5, 0.95)] == ["a cat red dogs", "cat dog", "red dogs"]
    with torch.no_grad():
        read = [ours.text(one.ids, one.attends, one.positions) for one in (prompt, ours.prompt(["dog. a cat."]))]
    assert torch.allclose(read[0][0, 1:4], read[1][0, 3:6], atol=1e-6)


def test_phrases_are_joined() -> None:
    assert joined("detect", ["A cat", " dog. ", "", "who?"]) == "A cat. dog. who?"
    assert joined("detect", "a cat. a dog") == "a cat. a dog."


def test_one_picture_of_any_kind() -> None:
    model = small().eval()
    grey = np.random.default_rng(0).integers(0, 256, (70, 90), dtype=np.uint8)
    found = model.detect(grey, ["cat", "remote controls"], box_threshold=0.0, text_threshold=0.0)
    assert len(found) == 10
    assert found.names == ("cat remote controls",)
    assert np.array_equal(np.sort(found.scores)[::-1], found.scores)
    again = model.detect(np.repeat(grey[..., None], 3, axis=2), "cat. remote controls.", box_threshold=0.0)
    assert np.array_equal(found.boxes, again.boxes)
    assert len(model([torch.full((3, 64, 64), torch.nan)], ["cat."])[0]) == 0
    assert len(small(queries=900).eval().detect(grey, "cat.", box_threshold=0.0)) < 900  # fewer places than queries


@pytest.mark.slow
def test_it_learns_a_few_pictures_by_heart_and_answers_to_words() -> None:
    model = NamedClasses(small(), ["red dog", "cat"])
    assert learnt_by_heart(model, 220) > 0.7
    assert model.eval().search(model.fit([torch.zeros(3, 64, 64)]))[0].scores.shape == (20,)  # two names, ten queries


def test_classes_are_phrases() -> None:
    words = read_vocabulary(None, ["red cell", "white cell"])
    assert words.pieces[-3:] == ("red", "cell", "white")
    assert NamedClasses(small(), ["a cat", "dogs"]).classes == 2
    with pytest.raises(InputError, match=r"class must be one phrase of words, without full stops; got a cat, St. B"):
        NamedClasses(small(), ["a cat", "St. Bernard"])
    assert read_vocabulary(words.pieces, []).pieces == words.pieces


def test_wrong_texts_and_options_are_refused_by_name() -> None:
    model, image = small().eval(), np.zeros((64, 64, 3), np.uint8)
    for nothing in ("", "  \n", ". ? .", [], ["", "."]):
        with pytest.raises(InputError, match=r"grounding_dino: text must name what to look for, .*; got no word"):
            model.detect(image, nothing)
    with pytest.raises(InputError, match=r"text must be at most 256 word pieces long; got \d,\d\d\d\. Ask for fewer"):
        model.detect(image, ("a cat. " * 1500)[:10_000])
    with pytest.raises(InputError, match=r"text must be a str, or a list of str; got"):
        model.detect(image, 7)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="texts must be one for each image; got 2 for 1"):
        model([torch.zeros(3, 64, 64)], ["cat.", "dog."])
    with pytest.raises(InputError, match="box_threshold must be a number in 0–1; got 2"):
        model.detect(image, "cat.", box_threshold=2)
    with torch.device("meta"), pytest.raises(InputError, match=r"must have the 30,522 pieces .*; got 1,100"):
        detect.grounding_dino(vocabulary=vocabulary())
    with pytest.raises(InputError, match="model must be in evaluation mode to answer; got training mode"):
        small().detect(image, "cat.")
    model.vocabulary = None
    with pytest.raises(InputError, match="the model was made without one"):
        model.detect(image, "cat.")


@pytest.mark.slow
@evidence.equals(
    "detect.grounding_dino", peer="transformers", tolerance="1e-4", data="random weights in full size, Swin-T and BERT"
)
def test_the_tiny_model_equals_transformers_in_full_size(measured: Callable[[float], None]) -> None:
    torch.manual_seed(0)
    theirs = randomise(GroundingDinoForObjectDetection(GroundingDinoConfig(text_config=BertConfig(), num_queries=50)))
    with torch.no_grad():
        for parameter in theirs.parameters():
            if parameter.ndim == 2:
                parameter *= 0.5  # sharper attention in 30 layers turns the last bit of a number into another answer
    pieces = [*PIECES, *(f"[unused{number}]" for number in range(len(PIECES), 30522))]
    ours = detect.grounding_dino(vocabulary=WordPiece(pieces), queries=50, resize=0).eval()
    load_weights(ours, theirs.state_dict())
    error = worst_difference(ours, theirs, pictures([(96, 128)]), ["a cat. remote controls. a red dog."])
    measured(error)
    assert error <= 1e-4
