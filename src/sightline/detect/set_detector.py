"""Detectors that predict a set: a fixed number of queries, each of which becomes one thing or nothing.

Carion et al. 2020, "End-to-End Object Detection with Transformers", ECCV: no anchors, no suppression; what is matched
in training is what is answered.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from sightline.detect.backbones import take_body
from sightline.detect.dense import clip
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted
from sightline.detect.framed import Found, Framed
from sightline.detect.set_loss import SetLoss
from sightline.detect.set_matching import SetPrediction, as_shares, in_pixels


class SetDetector(Framed):
    """A detector whose decoder answers with a set after every layer.

    Parameters
    ----------
    name
        What errors call it.
    classes
        Number of classes.
    fit
        Makes the batch; it pads no more than it must.
    body
        The backbone.
    loss
        Matches and measures; its rule says how logits are read.
    """

    decoder: nn.ModuleList  # of sightline.nn.transformer.DecoderLayer

    def __init__(self, name: str, classes: int, fit: Fit, body: nn.Module, loss: SetLoss) -> None:
        super().__init__(name, classes, fit)
        self.body, self.loss = body, loss

    @abstractmethod
    def layers(self, fitted: Fitted) -> list[SetPrediction]:
        """Return what each layer of the decoder says of a batch, the first one first."""

    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses ``classification``, ``boxes`` and ``overlap``, summed over the layers."""
        return self.loss(self.layers(fitted), as_shares(targets, fitted.sizes))

    def search(self, fitted: Fitted) -> list[Found]:
        """Return what the last layer says of each image, surest first; nothing is suppressed."""
        last = self.layers(fitted)[-1]
        return [self.read(last, i, size) for i, size in enumerate(fitted.sizes)]

    def read(self, prediction: SetPrediction, index: int, size: tuple[int, int]) -> Found:
        """Return what a prediction says of one image.

        Parameters
        ----------
        prediction
            Of a batch.
        index
            Which of its images.
        size
            Its height and width in pixels; boxes are cut there.
        """
        scores, places, labels = self.loss.matcher.rule.surest(prediction.logits[index])
        return Found(clip(in_pixels(prediction.boxes[index][places], size), size), scores, labels)

    def begin(self, weights: str) -> None:
        """Begin with public weights: a classifier's for the backbone, or a detector's for all but the classes.

        Parameters
        ----------
        weights
            A name of the zoo, or a file with weights of this detector.
        """
        from sightline.zoo import load, load_weights
        from sightline.zoo.table import entries

        known = entries().get(weights)
        if known is not None and known.method.startswith("classify."):
            take_body(self.body, load(weights))
        else:
            load_weights(self, weights, fresh_head=True)
