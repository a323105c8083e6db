"""Grounding DINO: boxes from words. A text says what to look for, and what is found is named by its words.

Liu, Zeng, Ren, Li, Zhang, Yang, Jiang, Li, Yang, Su, Zhu and Zhang 2024, "Grounding DINO: Marrying DINO with Grounded
Pre-Training for Open-Set Object Detection", ECCV, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, number
from sightline.core.conversions import channels_first, to_float
from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.core.types import Choice, PathLike, Range
from sightline.detect.box_decoder import BoxDecoder, SinePositions
from sightline.detect.cross_modality import CrossModalityLayer, Words
from sightline.detect.detector import Targets
from sightline.detect.feature_enhancer import EnhancerLayer
from sightline.detect.fit import Fit, Fitted, check_images, longest
from sightline.detect.level_projection import LevelProjection
from sightline.detect.phrase_rule import PhraseRule, first_numbers
from sightline.detect.prepare import colour
from sightline.detect.prompt import Prompt, Text
from sightline.detect.query_selection import Memory, QuerySelection
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import HungarianMatcher, SetPrediction, Weights, as_shares, in_pixels
from sightline.detect.swin_maps import SwinMaps, swin_maps
from sightline.nn.bert import VARIANTS as TEXTS
from sightline.nn.bert import Bert, BertConfig
from sightline.nn.convolutional import pixel_normalize
from sightline.nn.token_levels import lay_out
from sightline.nn.transformer import perceptron
from sightline.nn.wordpiece import WordPiece

TEMPERATURE = 20.0  # of the positions of the image's places
BOX, WORD = 0.25, 0.25  # the lowest score of a box, and of a word of its name
BERT = TEXTS["base"]
LOSS = Weights(classes=2.0)  # of the loss; the matching has the usual ones (Liu 2024, appendix)


@dataclass(frozen=True)
class GroundingDINOConfig:
    """What makes one Grounding DINO differ from another.

    Parameters
    ----------
    backbone
        Variant of Swin.
    window
        Side of its windows in patches.
    dim
        Length D of a token.
    num_heads
        Attention heads; fusion and words have half as many.
    encoder, decoder
        Layers of the feature enhancer, and of the decoder.
    hidden
        Units of the feed-forward networks.
    queries
        Q, the largest number of boxes.
    levels, points
        Maps, and places that are read on each.
    dropout
        Share of what is added that training sets to zero.
    drop
        Share of the images for which training leaves a fusion out.
    text
        Sizes of the text encoder.
    """

    backbone: str = "tiny"
    window: int = 7
    dim: int = 256
    num_heads: int = 8
    encoder: int = 6
    decoder: int = 6
    hidden: int = 2048
    queries: int = 900
    levels: int = 4
    points: int = 4
    dropout: float = 0.1
    drop: float = 0.1
    text: BertConfig = BERT


VARIANTS = {  # Liu 2024, section 4 and appendix
    "tiny": GroundingDINOConfig(),
    "base": GroundingDINOConfig("base", 12),
    # Ours, for learning from nothing: there is no text that a large reader would have to understand.
    "small": GroundingDINOConfig(
        encoder=2, decoder=3, hidden=512, queries=100, text=BertConfig(dim=128, depth=1, num_heads=4, hidden=256)
    ),
}


class GroundingDINO(nn.Module):
    """Backbones of image and text, feature enhancer, language-guided query selection, cross-modality decoder.

    Parameters
    ----------
    fit
        Makes the batch; it pads to whole patches and no more.
    backbone
        From images to maps.
    config
        Sizes of the rest.
    vocabulary
        Of the text encoder; None leaves a model that cannot read yet.
    """

    def __init__(
        self, fit: Fit, backbone: SwinMaps, config: GroundingDINOConfig, vocabulary: WordPiece | None = None
    ) -> None:
        super().__init__()
        if vocabulary is not None and len(vocabulary) != config.text.pieces:
            raise InputError(
                f"grounding_dino: vocabulary must have the {config.text.pieces:,} pieces of the text encoder; "
                f"got {len(vocabulary):,}. Use the one that lies beside the weights."
            )
        dim, heads, levels, points = config.dim, config.num_heads, config.levels, config.points
        self.config, self.fit, self.vocabulary = config, fit, vocabulary
        self.backbone = backbone
        self.project = LevelProjection(backbone.channels, dim, config.levels)
        self.level = nn.Parameter(torch.randn(config.levels, dim))
        self.text = Bert(config.text)
        self.project_text = nn.Linear(config.text.dim, dim)
        self.enhancer = nn.ModuleList(
            EnhancerLayer(dim, config.hidden, heads, levels, points, config.dropout, config.drop)
            for _ in range(config.encoder)
        )
        self.selection = QuerySelection(dim, config.queries)
        self.queries = nn.Embedding(config.queries, dim)
        boxes = perceptron(dim, dim, dim, 4)  # one for all layers
        self.decoder = BoxDecoder(
            [
                CrossModalityLayer(dim, config.hidden, heads, levels, points, config.dropout)
                for _ in range(config.decoder)
            ],
            SinePositions(perceptron(2 * dim, dim, dim), dim),
            [boxes] * config.decoder,
            nn.LayerNorm(dim),
        )
        for last in (self.selection.boxes[-1], boxes[-1]):  # boxes begin where they are proposed
            nn.init.zeros_(last.weight)  # pyrefly: ignore
            nn.init.zeros_(last.bias)  # pyrefly: ignore

    def layers(self, fitted: Fitted, prompt: Prompt) -> list[SetPrediction]:
        """Return what is said of a batch: by the places that were selected, and by the queries after each layer.

        Parameters
        ----------
        fitted
            B images.
        prompt
            Their B texts of T pieces; logits are B×Q×T.
        """
        return self.answer(*self.encode(fitted, prompt))

    def answer(self, image: Memory, words: Words) -> list[SetPrediction]:
        """Return what is said of images and words that are understood.

        Parameters
        ----------
        image, words
            As :meth:`encode` gives them.
        """
        selected = self.selection(image, words.agree)
        content = self.queries.weight[: selected.boxes.shape[1]].expand(len(selected.boxes), -1, -1)  # Q×D → B×Q×D
        refined = self.decoder(content, selected.boxes, image, None, words)
        said = [SetPrediction(words.agree(one.content), one.boxes) for one in refined]
        return [SetPrediction(selected.logits, selected.boxes), *said]

    def encode(self, fitted: Fitted, prompt: Prompt) -> tuple[Memory, Words]:
        """Return what the feature enhancer knows about images and texts.

        Parameters
        ----------
        fitted, prompt
            As :meth:`layers` takes them.
        """
        text = self.project_text(self.text(prompt.ids, prompt.attends, prompt.positions))  # B×T×H → B×T×D
        tokens = lay_out(self.project(self.backbone(fitted.images)), fitted.real, self.level, TEMPERATURE)
        image = tokens.values
        for layer in self.enhancer:
            image, text = layer(image, text, tokens, prompt)
        return Memory(image, tokens.shapes, tokens.ratios, tokens.padding), Words(text, prompt.real)

    def learn(self, fitted: Fitted, prompt: Prompt, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses ``classification``, ``boxes`` and ``overlap``, summed over selection and layers.

        Parameters
        ----------
        fitted
            B images.
        prompt
            Their B texts.
        targets
            Boxes xyxy in pixels of the batch; labels are numbers of phrases of the image's own text.
        """
        firsts = first_numbers(prompt)
        things: list[Targets] = [
            {"boxes": one["boxes"], "labels": one["labels"] + first}
            for one, first in zip(as_shares(targets, fitted.sizes), firsts, strict=True)
        ]
        return SetLoss(HungarianMatcher(PhraseRule.of(prompt)), LOSS)(self.layers(fitted, prompt), things)

    def prompt(self, texts: Sequence[Text]) -> Prompt:
        """Return texts as the model reads them, one for each image.

        Parameters
        ----------
        texts
            Phrases with a full stop behind each, or lists of phrases.

        Raises
        ------
        InputError
            When the model has no vocabulary, a text no word, or more than 256 pieces.
        """
        if self.vocabulary is None:
            raise InputError(
                "grounding_dino: vocabulary must be given for reading texts; the model was made without one. "
                "Give the tokenizer.json or vocab.txt that lies beside the weights."
            )
        return Prompt.of("grounding_dino", self.vocabulary, texts).to(self.level.device)

    @torch.no_grad()
    def forward(
        self,
        images: Tensor | Sequence[Tensor],
        texts: Sequence[Text],
        *,
        box_threshold: float = BOX,
        text_threshold: float = WORD,
    ) -> list[Detections]:
        """Return what is found in each image, surest first, in its pixels; NaN in an image finds nothing there.

        Parameters
        ----------
        images
            B×C×H×W, or a list of C×H×W, float in 0–1.
        texts
            B texts.
        box_threshold
            A box is told when a word of the text agrees with it more than that, in 0–1.
        text_threshold
            A word belongs to its name when it agrees more than that, in 0–1.
        """
        check_images("grounding_dino", images)
        number("grounding_dino", "box_threshold", box_threshold, 0, 1)
        number("grounding_dino", "text_threshold", text_threshold, 0, 1)
        if self.training:
            raise InputError(
                "grounding_dino: model must be in evaluation mode to answer; got training mode. Call model.eval()."
            )
        if len(texts) != len(images):
            raise InputError(f"grounding_dino: texts must be one for each image; got {len(texts)} for {len(images)}.")
        fitted, prompt = self.fit(images), self.prompt(texts)
        last = self.layers(fitted, prompt)[-1]
        return [
            named(prompt, i, logits.sigmoid(), in_pixels(boxes, size), box_threshold, text_threshold)
            for i, (logits, boxes, size) in enumerate(zip(last.logits, last.boxes, fitted.originals, strict=True))
        ]

    def detect(
        self,
        image: np.ndarray,
        text: Text,
        *,
        box_threshold: float = BOX,
        text_threshold: float = WORD,
    ) -> Detections:
        """Return what a text asks for in one picture, surest first.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32, where NaN counts as black.
        text
            Phrases with a full stop behind each, such as ``"a cat. a remote control."``, or a list of phrases.
        box_threshold, text_threshold
            As :meth:`forward` takes them.
        """
        picture = colour(as_image("grounding_dino", image))
        pixels = torch.from_numpy(channels_first(to_float(picture))).to(self.level.device)
        return self([pixels], [text], box_threshold=box_threshold, text_threshold=text_threshold)[0]


def named(
    prompt: Prompt, index: int, scores: Tensor, boxes: Tensor, box_threshold: float, text_threshold: float
) -> Detections:
    """Return the boxes of one image that are sure enough, each named by the words that agree with it.

    Parameters
    ----------
    prompt, index
        The texts, and which of them is the image's.
    scores
        Q×T, how well boxes and words agree, 0–1.
    boxes
        Q×4 xyxy in pixels.
    box_threshold, text_threshold
        The lowest score of a box, and of a word of its name.
    """
    surest = scores.amax(dim=1)
    order = surest.argsort(descending=True, stable=True)
    chosen = order[surest[order] > box_threshold]
    phrases = [prompt.name(index, scores[i], text_threshold) for i in chosen]
    names = tuple(dict.fromkeys(phrases))
    labels = [names.index(phrase) for phrase in phrases]
    return Detections(boxes[chosen].cpu().numpy(), surest[chosen].cpu().numpy(), np.array(labels, np.int64), names)


@method(task="detection", paper="Liu 2024", lesson="w7d5")
def grounding_dino(
    variant: Annotated[str, Choice(*VARIANTS)] = "tiny",
    *,
    vocabulary: PathLike | WordPiece | None = None,
    queries: Annotated[int, Range(1, 10**5)] = 900,
    resize: Annotated[int, Range(0, 4096)] = 800,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> GroundingDINO:
    """Grounding DINO with fresh weights: a detector that is asked in words.

    ``model.detect(image, "a cat. a remote control.")`` gives the boxes of one picture, named by the words that each
    agrees with; ``load_weights(model, file)`` takes the checkpoints of transformers.

    Parameters
    ----------
    variant
        ``"tiny"``: Swin-T, 172 million weights; ``"base"``: Swin-B with windows of 12 patches, 232 million;
        ``"small"``: Swin-T and little else, for learning from nothing.
    vocabulary
        What words are made of: ``tokenizer.json`` or ``vocab.txt`` of uncased BERT, 30,522 pieces, as it lies beside
        the weights; ``"small"`` takes any vocabulary. None makes a model that cannot read texts yet.
    queries
        Q, the largest number of boxes, ≥ 1; the public weights have 900.
    resize
        What the shorter side of an image becomes in pixels, unless the longer one would exceed 5/3 of it; 0 leaves
        images as they come.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    GroundingDINO
        A model from a list of C×H×W float32 images in 0–1 and as many texts to detections. NaN in an image finds
        nothing there.

    Raises
    ------
    InputError
        When an argument is out of its range, or the vocabulary has another size.
    MissingFileError
        When there is no such vocabulary file.
    FormatError
        When the file holds no vocabulary.

    References
    ----------
    S. Liu et al., "Grounding DINO: Marrying DINO with Grounded Pre-Training for Open-Set Object Detection", ECCV 2024.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     model = grounding_dino()
    >>> sum(p.numel() for p in model.parameters())
    172249090
    """
    name = "grounding_dino"
    config = replace(
        VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))], queries=integer(name, "queries", queries, 1)
    )
    resize = integer(name, "resize", resize, 0)
    if vocabulary is not None and not isinstance(vocabulary, WordPiece):
        vocabulary = WordPiece.read(vocabulary)
    if vocabulary is not None and variant == "small":
        config = replace(config, text=replace(config.text, pieces=len(vocabulary)))
    fit = Fit(pixel_normalize(name, 3, mean, std), resize, longest(resize), multiple=4)
    return GroundingDINO(fit, swin_maps(config.backbone, config.window), config, vocabulary)
