"""Every catalogued method keeps the contracts, and the contracts catch what breaks them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import contracts
from sightline.core.catalogue import Method, methods
from sightline.core.checks import as_image
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Image

METHODS = methods()
PIXEL_KINDS = ("image", "mask", "labels")
OF_ARRAYS = ("image", "features", "geometry", "motion")  # fields of NumPy: pixels or points in
OF_BOXES = [
    m for m in METHODS if m.field == "detect" and m.parameters and m.parameters[0].kind in ("boxes", "array", "image")
]
IMAGE_METHODS = [m for m in METHODS if m.field in OF_ARRAYS or m in OF_BOXES]
PIXEL_METHODS = [m for m in IMAGE_METHODS if m.parameters and m.parameters[0].kind in PIXEL_KINDS]
OF_FILES = {"read", "write", "show", "frames", "write_frames"}
OTHER_METHODS = [m for m in IMAGE_METHODS if m not in PIXEL_METHODS and m.name not in OF_FILES]


def name_of(item: Any) -> str:
    return f"{item.field}.{item.name}" if isinstance(item, Method) else item.__name__


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_method_says_what_it_is_and_has_evidence(method: Method) -> None:
    for contract in contracts.STRUCTURE:
        contract(method)
    contracts.has_evidence(method, contracts.claimed_methods())


@pytest.mark.parametrize("method", PIXEL_METHODS, ids=name_of)
@pytest.mark.parametrize("contract", contracts.PIXELS, ids=name_of)
def test_every_image_method(contract: Any, method: Method) -> None:
    contract(method)


@pytest.mark.slow
@pytest.mark.parametrize("method", PIXEL_METHODS, ids=name_of)
@pytest.mark.parametrize("contract", contracts.THREADS, ids=name_of)
def test_every_image_method_among_threads(contract: Any, method: Method) -> None:
    contract(method)


@pytest.mark.parametrize("method", OTHER_METHODS, ids=name_of)
def test_every_method_that_takes_no_pixels(method: Method) -> None:
    contracts.refuses_a_stranger(method)


def test_the_contracts_pass_nobody_by() -> None:
    words = {"image": {"image", "mask", "labels", "fixed", "a"}}  # elsewhere, a and b are points
    passed_by = [m.name for m in OTHER_METHODS if m.parameters[0].name in words.get(m.field, {"image", "mask"})]
    assert passed_by == [], "their first parameter says pixels, its annotation does not: no contract holds them"


def test_the_catalogue_holds_the_first_tenants() -> None:
    names = {m.name for m in METHODS if m.field == "image"}
    assert {"read", "write", "show", "convert", "gaussian_blur", "median_blur", "gradient", "sobel", "canny"} <= names
    assert {"threshold", "otsu_threshold", "dilate", "erode", "resize"} <= names


# --- planted violations: a contract that cannot fail proves nothing ---


def planted(function: Any) -> Method:
    return Method(function.__name__, "image", function, "test", "nobody 1900")


def honest(image: Image) -> Image:
    """Return a copy.

    Parameters
    ----------
    image
        Any image. NaN stays NaN.
    """
    return as_image("honest", image).copy()


@pytest.mark.parametrize("contract", [*contracts.STRUCTURE, *contracts.PIXELS], ids=name_of)
def test_an_honest_method_passes(contract: Any) -> None:
    contract(planted(honest))


def mutates(image: Image) -> Image:
    image[0, 0] = 0
    return image.copy()


def aliases(image: Image) -> Image:
    return image


def widens(image: Image) -> Image:
    return as_image("widens", image).astype(np.float64)


def counts_strides(image: Image) -> float:
    return float(image.strides[0])


def takes_any_option(image: Image, size: int = 3) -> float:
    return float(as_image("takes_any_option", image).mean())


def needs_two_rows(image: Image) -> float:
    return float(image[1, 0].sum())


def takes_anything(image: Image) -> float:
    return 1.0


def silent_about_nan(image: Image) -> Image:
    """Return a copy."""
    return as_image("silent_about_nan", image).copy()


_calls = iter(range(10**9))


def never_the_same(image: Image) -> float:
    return float(next(_calls))


def documents_a_ghost(image: Image) -> Image:
    """Return a copy.

    Parameters
    ----------
    image
        Any image.
    ghost
        Does not exist.
    """
    return image.copy()


def leaves_one_undocumented(image: Image, size: int = 3) -> Image:
    """Return a copy.

    Parameters
    ----------
    image
        Any image.
    """
    return image.copy()


@pytest.mark.parametrize(
    ("contract", "function"),
    [
        (contracts.leaves_its_input_alone, mutates),
        (contracts.leaves_its_input_alone, aliases),
        (contracts.keeps_the_dtype, widens),
        (contracts.takes_any_layout, counts_strides),
        (contracts.refuses_by_name, needs_two_rows),
        (contracts.refuses_by_name, takes_anything),
        (contracts.refuses_wrong_options_by_name, takes_any_option),
        (contracts.states_its_nan_policy, silent_about_nan),
        (contracts.gives_the_same_bits_at_any_thread_count, never_the_same),
        (contracts.is_safe_from_eight_threads, never_the_same),
        (contracts.documents_its_parameters, documents_a_ghost),
        (contracts.documents_its_parameters, leaves_one_undocumented),
    ],
    ids=name_of,
)
def test_a_planted_violation_is_caught(contract: Any, function: Any) -> None:
    with pytest.raises(AssertionError, match=function.__name__):
        contract(planted(function))


def test_one_row_is_not_enough_for_some() -> None:
    with pytest.raises(IndexError):
        contracts.takes_one_pixel(planted(needs_two_rows))


def test_a_method_without_evidence_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"image\.honest: no test carries evidence"):
        contracts.has_evidence(planted(honest), contracts.claimed_methods())


def test_steps_that_end_elsewhere_are_caught() -> None:
    class Stepped(Method):
        @property
        def steps(self) -> Any:
            return lambda image: iter([Step("first", Picture(image)), Step("last", Picture(image + 1))])

    with pytest.raises(AssertionError, match="honest: the last step is not the result"):
        contracts.ends_its_steps_in_the_result(Stepped("honest", "image", honest, "test", "nobody 1900"))
