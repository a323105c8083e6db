"""The forms of what the rooms of detection ask for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sightline.lab.asks import Form

Box = tuple[float, float, float, float]
ScoredBox = tuple[float, float, float, float, float]


class CourtAsk(Form):
    """A question for the rounds of a suppression.

    ``alike`` finds what looks like ``model`` in a picture; ``crowd`` has a made detector look at a made photo; ``mine``
    takes ``drawn``, boxes with a score.
    """

    source: Literal["alike", "crowd", "mine"] = "crowd"
    input: str = Field("sample:coins", max_length=1000)
    model: Box | None = None
    drawn: list[ScoredBox] = Field(default_factory=list, max_length=60)
    least: float = Field(0.6, ge=0, le=1)
    rule: Literal["hard", "linear", "gaussian"] = "hard"
    threshold: float = Field(0.5, ge=0, le=1)
    sigma: float = Field(0.5, ge=0.01, le=10)
    floor: float = Field(0.05, ge=0, le=1)


class AnchorsAsk(Form):
    """A question for the anchors of a pyramid and what each stands for; ``place`` is one of ``level``."""

    input: str = Field("sample:cat", max_length=1000)
    truth: list[Box] = Field(default_factory=list, max_length=8)
    size: float = Field(4.0, ge=0.5, le=32)
    octaves: int = Field(1, ge=1, le=4)
    ratios: list[Annotated[float, Field(ge=0.05, le=20)]] = Field(default=[0.5, 1.0, 2.0], min_length=1, max_length=7)
    high: float = Field(0.5, ge=0, le=1)
    low: float = Field(0.4, ge=0, le=1)
    best: Literal["ties", "one", "none"] = "ties"
    level: int = Field(0, ge=0, le=10)
    place: tuple[int, int] | None = None


class PrecisionAsk(Form):
    """A question for average precision, detection by detection, of a made detector on made photos."""

    photos: int = Field(6, ge=1, le=12)
    missed: float = Field(0.1, ge=0, le=0.9)
    noise: float = Field(0.08, ge=0, le=0.5)
    invented: float = Field(0.15, ge=0, le=1)
    doubled: float = Field(0.2, ge=0, le=1)
    seed: int = Field(0, ge=0, le=10**9)
    overlap: float = Field(0.5, ge=0.05, le=0.95)
    area: Literal["all", "eleven", "coco"] = "all"


class ProposalsAsk(Form):
    """A question for proposals, and how many of them one needs to look at; ``run`` names a trained network."""

    input: str = Field("sample:cat", max_length=1000)
    way: Literal["selective", "windows", "network"] = "selective"
    run: str = Field("", max_length=300)
    seed: int = Field(0, ge=0, le=10**9)
    truth: list[Box] = Field(default_factory=list, max_length=8)


class QueriesAsk(Form):
    """A question for what the queries of a detector say and look at; without a ``run``, of one that learnt nothing."""

    input: str = Field("sample:cat", max_length=1000)
    run: str = Field("", max_length=300)
    fresh: Literal["detr", "deformable_detr"] = "detr"
    seed: int = Field(0, ge=0, le=10**9)


class WordsAsk(Form):
    """A question for where the words of a text look; without a ``run``, of a detector that learnt nothing."""

    input: str = Field("sample:cat", max_length=1000)
    text: str = Field(min_length=1, max_length=500)
    run: str = Field("", max_length=300)
    seed: int = Field(0, ge=0, le=10**9)
