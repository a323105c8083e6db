"""The forms of what a page asks for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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
    method: Literal["grad_cam", "saliency", "occlusion"] = "grad_cam"
    target: str | None = None


class TrainingAsk(Form):
    """A training to be started: what, on what, and settings by name."""

    recipe: str = Field(max_length=100)
    data: str = Field(max_length=1000)
    epochs: int = Field(10, ge=1, le=10_000)
    settings: dict[str, bool | int | float | str] = Field(default_factory=dict)
