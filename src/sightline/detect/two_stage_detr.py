"""What DINO and RT-DETR share: an encoder's tokens propose boxes, the surest become queries, a decoder refines them.

Zhang et al. 2023, "DINO: DETR with Improved DeNoising Anchor Boxes", ICLR, section 3: selected queries, contrastive
denoising, boxes that look forward twice; Zhao et al. 2024, "DETRs Beat YOLOs on Real-time Object Detection", CVPR,
section 4, has another encoder and other content of the queries.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn

from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.detect.box_decoder import BoxDecoder
from sightline.detect.denoising import Denoising, Noised, parted
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted
from sightline.detect.query_selection import Memory, QuerySelection, Selected
from sightline.detect.set_detector import SetDetector
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import SetPrediction, Weights, as_shares

HEADS = 8  # of every attention
COST = Weights(classes=2.0)  # of the matching; the loss weighs as usual
PRIOR = 0.01  # what an untrained network answers to every class (Lin 2017, "Focal Loss", section 3.3)


class Names(nn.Module):
    """Everything that depends on the classes: what names tokens and queries, and what noised queries are told.

    Parameters
    ----------
    dim
        Length D of a token and of a query.
    classes
        K, without a background.
    layers
        Of the decoder that have a layer of names of their own; 1 for one for all.
    """

    def __init__(self, dim: int, classes: int, layers: int) -> None:
        super().__init__()
        self.tokens = nn.Linear(dim, classes)
        self.queries = nn.ModuleList(nn.Linear(dim, classes) for _ in range(layers))
        self.told = nn.Embedding(classes + 1, dim, padding_idx=classes)  # the last one: nothing
        names: list[Any] = [self.tokens, *self.queries]
        for layer in names:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.constant_(layer.bias, -math.log((1 - PRIOR) / PRIOR))


class TwoStageDETR(SetDetector):
    """Memory, selection, decoder; in training, noised queries before the selected ones.

    Parameters
    ----------
    name
        What errors call it.
    fit
        Makes the batch.
    body
        The backbone.
    selection
        Makes queries of the tokens.
    decoder
        Refines the queries' boxes.
    head
        Names them.
    loss
        Of matched sets.
    """

    def __init__(
        self,
        name: str,
        fit: Fit,
        body: nn.Module,
        selection: QuerySelection,
        decoder: BoxDecoder,
        head: Names,
        loss: SetLoss,
    ) -> None:
        super().__init__(name, head.tokens.out_features, fit, body, loss)
        self.selection, self.refine, self.head = selection, decoder, head
        self.denoising = Denoising()
        moves: list[Any] = [selection.boxes, *decoder.boxes]
        for boxes in moves:  # boxes begin where they are proposed
            nn.init.zeros_(boxes[-1].weight)
            nn.init.zeros_(boxes[-1].bias)

    @abstractmethod
    def encode(self, fitted: Fitted) -> Memory:
        """Return what the encoder knows about a batch."""

    @abstractmethod
    def content(self, selected: Selected) -> Tensor:
        """Return what the selected queries know at first, B×Q×D."""

    def layers(self, fitted: Fitted) -> list[SetPrediction]:
        """Return what each layer of the decoder says of a batch."""
        return self.answers(fitted)[1]

    def answers(self, fitted: Fitted, noised: Noised | None = None) -> tuple[SetPrediction, list[SetPrediction]]:
        """Return what the selected tokens say of a batch, and what the queries say after each layer.

        Parameters
        ----------
        fitted
            The batch.
        noised
            Queries with a known answer, which stand before the selected ones.
        """
        memory = self.encode(fitted)
        selected = self.selection(memory, self.head.tokens)
        content, boxes, attends = self.content(selected), selected.boxes, None
        if noised is not None:
            attends = noised.attends(content.shape[1])
            content = torch.cat([self.head.told(noised.labels), content], dim=1)
            boxes = torch.cat([noised.boxes, boxes], dim=1)
        refined = zip(cycle(self.head.queries), self.refine(content, boxes, memory, attends), strict=False)
        said = [SetPrediction(name(one.content), one.boxes) for name, one in refined]
        return SetPrediction(selected.logits, selected.boxes), said

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses of names, boxes and overlaps, of the matched queries and of the noised ones."""
        shares = as_shares(targets, fitted.sizes)
        noised = self.denoising(shares, self.classes)
        tokens, layers = self.answers(fitted, noised)
        if noised is None:  # what noised queries are told has a gradient all the same
            return self.loss([*layers, tokens], shares) | {"denoising": 0.0 * self.head.told.weight.sum()}
        known, queries = zip(*(parted(one, noised.labels.shape[1]) for one in layers), strict=True)
        return self.loss([*queries, tokens], shares) | noised.losses(known, shares, self.loss)


def token_length(name: str, dim: int) -> int:
    """Return the length of a token, or refuse what the heads do not divide.

    Parameters
    ----------
    name
        Who asks.
    dim
        As it came; 0 for the usual one.
    """
    dim = integer(name, "dim", dim, 0)
    if dim % HEADS:
        raise InputError(f"{name}: dim must be a multiple of {HEADS}; got {dim}. Use {dim // HEADS * HEADS + HEADS}.")
    return dim
