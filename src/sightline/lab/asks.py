"""The forms of what a page asks for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sightline.apply.explaining import Explanation

WORKED_PIXELS = 1_000_000  # a picture is shrunk to this before it is worked on, unless more is asked for
MOST_PIXELS = 25_000_000

Inputs = dict[str, str | list[str]]


class Form(BaseModel):
    """A request's form: unknown names are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Link(Form):
    """One method of a chain."""

    method: str = Field(max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict)


class RunAsk(Form):
    """A call of one method."""

    inputs: Inputs = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    steps: bool = True
    size: int = Field(WORKED_PIXELS, ge=1, le=MOST_PIXELS)
    form: Literal["trace", "json", "picture"] = Field("trace", alias="as")


class LiveAsk(Form):
    """One frame of a live connection: a method or a chain, and the newest settings."""

    id: int | str = 0
    method: str = Field("", max_length=100)
    pipeline: list[Link] = Field(default_factory=list, max_length=32)
    inputs: Inputs = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    steps: bool = True
    size: int = Field(WORKED_PIXELS, ge=1, le=MOST_PIXELS)

    @property
    def methods(self) -> list[str]:
        """Names of the methods that it calls."""
        return [link.method for link in self.pipeline] or [self.method]


class PipelineAsk(Form):
    """A chain of methods: each works on what the one before gave."""

    inputs: Inputs = Field(default_factory=dict)
    steps: list[Link] = Field(min_length=1, max_length=32)
    size: int = Field(WORKED_PIXELS, ge=1, le=MOST_PIXELS)


class ExportAsk(Form):
    """A chain to be written down as a program; ``input`` is short for a single picture, ``image`` of ``inputs``."""

    input: str | None = None
    inputs: Inputs = Field(default_factory=dict)
    steps: list[Link] = Field(min_length=1, max_length=32)


class ExplainAsk(Form):
    """A question why: a picture, and the class whose evidence is looked for (the predicted one when left out)."""

    input: str
    method: Explanation = "grad_cam"
    target: str | None = None


class EvidenceAsk(Form):
    """A question for the evidence for one class in a picture."""

    input: str
    target: str = Field(max_length=200)
    method: Explanation = "grad_cam"


class MapsAsk(Form):
    """A question for the maps of one layer: at most so many, those of the largest mean magnitude."""

    input: str
    layer: str = Field(max_length=300)
    most: int = Field(144, ge=1, le=4096)


class AttentionAsk(Form):
    """A question for the attention weights of one layer; −1 is the last."""

    input: str
    layer: int = Field(-1, ge=-1000, le=1000)


class SweepAsk(Form):
    """A question for attacks of growing radius on a picture; ``target`` is a class to be taken for, none any other."""

    input: str = Field(max_length=1000)
    method: Literal["fgsm", "pgd"] = "fgsm"
    target: str = Field("", max_length=200)


class AttackAsk(Form):
    """A question for an attack on a picture: ``eps`` is how far a pixel may move, in 0–1, for those that are told."""

    input: str = Field(max_length=1000)
    method: Literal["fgsm", "pgd", "deep_fool", "cw_l2"] = "fgsm"
    target: str = Field("", max_length=200)
    eps: float = Field(8 / 255, ge=0, le=1)


class TogetherAsk(Form):
    """A question for one change for many pictures, and for one that has it; ``seed`` is of where a patch lies."""

    input: str = Field(max_length=1000)
    method: Literal["universal_perturbation", "patch"] = "universal_perturbation"
    eps: float = Field(10 / 255, ge=0, le=1)
    target: str = Field("", max_length=200)
    seed: int = Field(0, ge=0, le=10**9)


class ImagineAsk(Form):
    """A question for a picture that a network makes: of a class, or from a photo; ``iterations`` are its steps."""

    kind: Literal["class", "dream", "inversion", "style"] = "class"
    input: str = Field("", max_length=1000)
    style: str = Field("", max_length=1000)
    target: str = Field("", max_length=200)
    size: int = Field(224, ge=16, le=640)
    iterations: int = Field(100, ge=1, le=1000)
    seed: int = Field(0, ge=0, le=10**9)


class PainterAsk(Form):
    """A network that learns one painting, ``style``, on ``photos``: a folder; it is seen painting ``input``."""

    model: str = Field(max_length=200)
    style: str = Field(max_length=1000)
    input: str = Field(max_length=1000)
    photos: str = Field("", max_length=1000)
    size: int = Field(256, ge=32, le=1024)
    width: int = Field(16, ge=4, le=64)
    style_weight: float = Field(10.0, ge=0, le=10_000)
    iterations: int = Field(400, ge=1, le=100_000)
    seed: int = Field(0, ge=0, le=10**9)


class TestPictureAsk(Form):
    """A question for a held-out picture by its number."""

    index: int = Field(0, ge=0, le=10**9)


class AnnotationsAsk(Form):
    """Boxes to be kept: of each picture rows x1, y1, x2, y2, class; ``version`` is of what was opened."""

    folder: str = Field(max_length=1000)
    version: str = Field("", max_length=64)
    classes: list[str] = Field(max_length=1000)
    pictures: dict[str, list[tuple[float, float, float, float, float]]] = Field(max_length=2000)


class TrainingAsk(Form):
    """A training to be started: what, on what, and settings by name."""

    recipe: str = Field(max_length=100)
    data: str = Field(max_length=1000)
    epochs: int = Field(10, ge=1, le=10_000)
    settings: dict[str, bool | int | float | str] = Field(default_factory=dict)


class TowerAsk(Form):
    """A question for SIFT's scale space of a picture."""

    input: str = Field(max_length=1000)
    contrast: float = Field(0.04, ge=0, le=1)
    edge: float = Field(10.0, ge=1, le=1000)


class KeypointAsk(Form):
    """A question for one keypoint: where it is in its octave."""

    input: str = Field(max_length=1000)
    octave: int = Field(ge=0, le=30)
    level: int = Field(ge=1, le=30)
    x: float
    y: float
    sigma: float = Field(gt=0, le=1000)


class PairAsk(Form):
    """A question for what matches between two photos."""

    a: str = Field("", max_length=1000)
    b: str = Field("", max_length=1000)
    ratio: float = Field(0.8, ge=0.1, le=1)


class RoundsAsk(PairAsk):
    """A question for a consensus: of pairs between two photos, or of points about a line."""

    model: Literal["line", "homography", "fundamental"] = "fundamental"
    threshold: float = Field(2.0, gt=0, le=1000)
    confidence: float = Field(0.99, ge=0.5, le=0.999999)
    outliers: float = Field(0.5, ge=0, le=0.95)
    seed: int = Field(0, ge=0, le=10**9)


class CalibrationAsk(Form):
    """A question for the camera that took a folder of photos of a chessboard; ``aside`` names views to leave out."""

    folder: str = Field("scene:board", max_length=1000)
    columns: int = Field(8, ge=3, le=60)
    rows: int = Field(5, ge=3, le=60)
    lens: Literal["none", "radial", "brown", "full"] = "radial"
    aside: list[str] = Field(default_factory=list, max_length=100)
    shown: str = Field("", max_length=1000)


class FolderAsk(Form):
    """A folder of photos: ``file:…`` under the root, or ``scene:desk``."""

    folder: str = Field(max_length=1000)


class FlowAsk(Form):
    """A question for what moved between two pictures; ``spacing`` is between the arrows, in pixels."""

    a: str = Field(max_length=1000)
    b: str = Field(max_length=1000)
    method: str = Field("farneback", max_length=100)
    parameters: dict[str, Any] = Field(default_factory=dict)
    spacing: int = Field(20, ge=4, le=200)


class TrackingAsk(Form):
    """A question for a tracker's ledger on the fair, whose detections miss, tremble and invent."""

    tracker: Literal["sort", "byte_track", "deep_sort"] = "sort"
    max_age: int = Field(3, ge=0, le=100)
    min_overlap: float = Field(0.3, ge=0, le=1)
    missed: float = Field(0.05, ge=0, le=0.9)
    noise: float = Field(0.03, ge=0, le=0.5)
    invented: float = Field(0.05, ge=0, le=1)
    seed: int = Field(0, ge=0, le=10**9)


class CascadeAsk(Form):
    """A question for the windows that the first stages of a cascade leave."""

    input: str = Field(max_length=1000)
    stage: int = Field(1, ge=0, le=200)
    scale: float = Field(1.1, ge=1.01, le=2)
    neighbours: int = Field(3, ge=0, le=50)


class EigenfacesAsk(Form):
    """A question for a face rebuilt from ``k`` components; no folder takes the drawn faces."""

    folder: str = Field("", max_length=1000)
    k: int = Field(12, ge=0, le=200)
    index: int = Field(0, ge=0, le=100_000)


class RaceAsk(Form):
    """A question for the paths of optimisers down a loss of two weights: from where, and each one's learning rate."""

    loss: Literal["rosenbrock", "neuron"] = "rosenbrock"
    start: tuple[float, float] | None = None
    racers: dict[str, float] = Field(default_factory=dict, max_length=12)
    steps: int = Field(100, ge=1, le=400)


class TapeAsk(Form):
    """A question for the tape of a tiny net: two inputs, what should come out, its nine weights, and a step's size."""

    inputs: tuple[float, float] = (1.0, -0.5)
    target: float = 1.0
    weights: list[float] = Field(default_factory=list, max_length=9)
    kind: Literal["tanh", "sigmoid", "relu"] = "tanh"
    rate: float = Field(0.3, ge=0, le=10)


class ClockAsk(Form):
    """A question for the rounds of k-means on points of a shape; ``places`` are the starts of ``"mine"``, in 0–100."""

    shape: Literal["crowds", "lines", "rings", "nothing"] = "crowds"
    k: int = Field(5, ge=1, le=9)
    seed: int = Field(0, ge=0, le=10**9)
    start: Literal["far", "any", "one place", "mine"] = "one place"
    places: list[tuple[float, float]] = Field(default_factory=list, max_length=9)


class DigitMapAsk(Form):
    """A question for a t-SNE map of digits."""

    perplexity: float = Field(30, ge=2, le=150)
    exaggeration: float = Field(12, ge=1, le=50)
    start: Literal["pca", "random"] = "pca"
    seed: int = Field(0, ge=0, le=10**9)
