"""The catalogue reads methods off their functions."""

from __future__ import annotations

import inspect
from typing import Annotated

import numpy as np
import pytest

import sightline as sl
from sightline.core.catalogue import Method, find, method_of, methods
from sightline.core.errors import InputError
from sightline.core.parameters import documented_parameters
from sightline.core.types import Choice, Image, Mask, Range
from sightline.learn.layers.recurrent import Recurrent


def sample(
    image: Image,
    low: Annotated[float, Range(0, 255, 1)] = 50,
    *,
    kind: Annotated[str, Choice("soft", "hard")] = "soft",
    size: Annotated[int | None, Range(1, 9)] = None,
    mask: Mask | None = None,
) -> Mask:
    """Do one thing.

    More words.

    Parameters
    ----------
    image
        An image
        over two lines.
    low
        Threshold.
    kind, size
        Shared text.
    mask
        Where.

    Returns
    -------
    nothing
        Of interest.
    """
    return np.zeros(image.shape[:2], bool)


def test_parameters_come_from_signature_and_docstring() -> None:
    entry = Method("sample", "image", sample, "test", "nobody 1900")
    image, low, kind, size, mask = entry.parameters
    assert (image.kind, image.required, image.text) == ("image", True, "An image over two lines.")
    assert (low.kind, low.default, low.low, low.high, low.step) == ("float", 50, 0, 255, 1)
    assert (kind.kind, kind.choices) == ("choice", ("soft", "hard"))
    assert (size.kind, size.default, size.high, size.text) == ("int", None, 9, "Shared text.")
    assert (mask.kind, mask.required) == ("mask", False)
    assert entry.returns == "mask"
    assert entry.summary == "Do one thing."


def test_json_says_what_a_page_needs() -> None:
    row = find("image.canny").to_json()
    assert {"name", "field", "paper", "lesson", "parameters", "evidence"} <= set(row)
    low = next(p for p in row["parameters"] if p["name"] == "low")
    assert low["kind"] == "float"
    assert low["high"] > low["low"] >= 0


def test_numbers_in_any_form_are_of_one_kind_with_every_numpy_and_python() -> None:
    labels, predicted = find("metrics.accuracy").parameters
    assert (labels.kind, labels.words) == (predicted.kind, predicted.words) == ("other", "")


def test_the_decorator_returns_the_function_itself() -> None:
    entry = find("canny")
    assert entry.function is sl.image.canny
    assert not hasattr(sl.image.canny, "__wrapped__")
    assert method_of(sl.image.canny) is entry


def test_misses_suggest_the_nearest_name() -> None:
    with pytest.raises(InputError, match="Did you mean 'canny'"):
        find("cany")
    with pytest.raises(InputError, match="Did you mean 'image'"):
        methods("imge")


def test_a_docstring_without_parameters_documents_none() -> None:
    assert documented_parameters("Do a thing.\n\nReturns\n-------\nx\n    y\n") == {}


def test_an_object_tells_what_its_constructor_takes() -> None:
    told = {parameter.name: parameter for parameter in find("learn.LSTM").parameters}
    assert told["inputs"].kind == "int"
    assert told["last"].kind == "bool"
    assert told["inputs"].text == documented_parameters(inspect.getdoc(Recurrent) or "")["inputs"]
    for entry in methods():
        assert not [p.name for p in entry.parameters if p.text.startswith("As in :class:")], entry.path
