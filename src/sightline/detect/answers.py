"""A detector of one stage as another engine runs it: the network says what each place answers, then some are kept."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.core.sessions import open_session
from sightline.detect.prepare import STRIDE
from sightline.detect.select import select
from sightline.nn.fused_network import FusedNetwork
from sightline.nn.onnx_network import answers, to_onnx

ANSWERS = ("answered_boxes", "answered_scores")


class Answers(nn.Module):
    """What every place of a detector says, before the surest are kept.

    Parameters
    ----------
    model
        With ``answer(images)`` and ``limits``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        if not hasattr(model, "answer"):
            raise InputError(
                f"export: {type(model).__name__} asks twice, or answers as a set; detectors of one stage can be "
                "written as a graph: yolo, yolo_v1, yolo_v3, nanodet, retinanet, fcos and their like."
            )
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes B×A×4 and scores B×A×K."""
        return self.model.answer(images)


def answers_graph(model: nn.Module, size: int = 4 * STRIDE) -> Any:
    """Return a detector as an ONNX graph from ``pixels`` to boxes and scores of every place.

    Parameters
    ----------
    model
        A detector of one stage.
    size
        Side in pixels that it is traced with; others follow, unless it reads one size only.
    """
    return to_onnx(Answers(model), (3, size, size), ANSWERS)


class OnnxDetector(nn.Module):
    """A detector that ONNX Runtime runs, on the CPU, without gradients.

    Parameters
    ----------
    model
        A detector of one stage; it is kept as it is.
    size
        Side in pixels of what it reads.
    """

    def __init__(self, model: Any, size: int) -> None:
        super().__init__()
        self.model = model
        graph = answers_graph(model, size).SerializeToString()
        self._session = open_session(graph, threads=torch.get_num_threads())

    def forward(self, images: Tensor) -> list[Detections]:
        """Return one :class:`Detections` for each of B×3×H×W images in 0–1."""
        boxes, scores = answers(self._session, ANSWERS, images)
        return [select(*pair, self.model.limits) for pair in zip(boxes, scores, strict=True)]


class FusedDetector(nn.Module):
    """A detector whose layers are merged and packed for the processor, on the CPU, without gradients.

    Parameters
    ----------
    model
        A detector of one stage; it is kept as it is.
    size
        Side in pixels of what it reads.
    """

    def __init__(self, model: Any, size: int) -> None:
        super().__init__()
        self.model = model
        self._network = FusedNetwork(Answers(model), (3, size, size))

    def forward(self, images: Tensor) -> list[Detections]:
        """Return one :class:`Detections` for each of B×3×H×W images in 0–1."""
        boxes, scores = self._network(images)
        return [select(*pair, self.model.limits) for pair in zip(boxes, scores, strict=True)]
