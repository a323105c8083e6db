"""The contracts that every catalogued method keeps, as functions that raise AssertionError naming the method."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core import kernels
from sightline.core.catalogue import Method
from sightline.core.errors import InputError
from sightline.core.parameters import documented_parameters

TESTS = Path(__file__).parent


@cache
def claimed_methods() -> set[str]:
    """Return every ``field.name`` that some test or reproduction carries evidence for, read off the sources."""
    sources = [*TESTS.rglob("test_*.py"), *(TESTS.parent / "reproduce").glob("*.py")]
    pattern = re.compile(r'^@?\s*(?:evidence\.)(?:equals|reaches)\(\s*"([\w.]+)"', re.MULTILINE)
    return {name for source in sources for name in pattern.findall(source.read_text("utf-8"))}


# --- every method ---


def documents_its_parameters(method: Method) -> None:
    """Every parameter is documented, none is that does not exist; the page starts with one sentence."""
    documented = documented_parameters(inspect.getdoc(method.function) or "")
    real = [name.lstrip("*") for name in inspect.signature(method.function).parameters]
    assert sorted(documented) == sorted(real), (
        f"{method.name}: documented parameters {sorted(documented)} are not the signature's {sorted(real)}"
    )
    empty = [name for name, text in documented.items() if not text]
    assert not empty, f"{method.name}: parameters without a description: {empty}"
    assert method.summary.endswith("."), f"{method.name}: the docstring does not start with a sentence"


def has_evidence(method: Method, claims: set[str]) -> None:
    """Some test compares it with a reference."""
    name = f"{method.field}.{method.name}"
    assert name in claims, f"{name}: no test carries evidence (evidence.equals or evidence.reaches) for it"


def states_its_source(method: Method) -> None:
    """It names its source and what it is for."""
    assert method.task, f"{method.name}: no task"
    assert method.paper, f"{method.name}: no paper"


def can_be_called_by_a_page(method: Method) -> None:
    """Every parameter after the data has a default or stands in the example."""
    missing = [p.name for p in method.parameters[1:] if p.required and p.name not in method.example]
    assert not missing, f"{method.name}: no default and no example for {missing}"


# --- methods that take an image or a mask ---


def sample_inputs(method: Method, height: int = 53, width: int = 71) -> Iterator[np.ndarray]:
    """Yield the inputs that the method accepts: gray and RGB in each dtype, or a mask."""
    for image in pictures(method.parameters[0].kind, height, width):
        if accepts_kind(method, image.ndim, image.dtype.name):
            yield image


def pictures(kind: str, height: int = 53, width: int = 71) -> list[np.ndarray]:
    """Return a waving picture as a mask, as a label map, or gray and RGB in each dtype."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[0:height, 0:width]
    wave = 0.5 + 0.35 * np.sin(x / 5.0) * np.cos(y / 7.0) + 0.1 * random.random((height, width))
    gray = np.clip(wave, 0, 1).astype(np.float32)
    if kind == "mask":
        return [gray > 0.5]
    if kind == "labels":
        return [(gray * 4).astype(np.int32)]
    both = (gray, np.stack([gray, gray[::-1], 1 - gray], axis=2))
    return [made for one in both for made in (one, (one * 255).astype(np.uint8), (one * 65535).astype(np.uint16))]


_kinds: dict[tuple[Any, int, str], bool] = {}  # asked once of a method: every contract goes by the answer


def accepts_kind(method: Method, dimensions: int, dtype: str) -> bool:
    """Return whether the method takes pictures of so many dimensions and this dtype."""
    key = method.function, dimensions, dtype
    if key not in _kinds:
        several = pictures(method.parameters[0].kind)
        (image,) = (one for one in several if (one.ndim, one.dtype.name) == (dimensions, dtype))
        _kinds[key] = accepts(method, image)
    return _kinds[key]


def accepts(method: Method, image: np.ndarray) -> bool:
    """Return whether the method takes this shape and dtype; a refusal must be an InputError that names it."""
    try:
        call(method, image.copy())
    except InputError as error:
        assert method.name in str(error), f"{method.name}: a refusal does not name the function: {error}"
        return False
    return True


def call(method: Method, image: np.ndarray, **options: Any) -> Any:
    """Call the method with its example arguments."""
    return method.function(image, **{**method.arguments(image), **options})


def same(a: Any, b: Any) -> bool:
    """Return whether two results are equal bit for bit (NaN equals NaN)."""
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return bool(a == b) or (a != a and b != b)


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """Yield every array that a result is made of."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from (array for part in value.values() for array in arrays_in(part))
    elif isinstance(value, (tuple, list)):
        yield from (array for part in value for array in arrays_in(part))
    elif is_dataclass(value):
        yield from (array for f in fields(value) for array in arrays_in(getattr(value, f.name)))


def leaves_its_input_alone(method: Method) -> None:
    """The input is not changed, and the result is not a view of it."""
    for image in sample_inputs(method):
        before = image.copy()
        result = call(method, image)
        assert same(image, before), f"{method.name}: changed its input ({image.dtype})"
        for part in arrays_in(result):
            if part.size and part.flags.writeable:
                part.fill(0)
            elif part.size:
                assert not np.may_share_memory(part, image), f"{method.name}: the result is a view of the input"
        assert same(image, before), f"{method.name}: the result shares memory with the input ({image.dtype})"


def keeps_the_dtype(method: Method) -> None:
    """What returns an image returns the dtype that it got."""
    inputs = list(sample_inputs(method))
    assert inputs, f"{method.name}: accepts none of gray or RGB uint8, uint16, float32"
    if method.returns != "image":
        return
    for image in inputs:
        result = call(method, image)
        assert result.dtype == image.dtype, f"{method.name}: {image.dtype} in, {result.dtype} out"


def layouts_of(image: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the same pixels in other memory layouts."""
    yield "Fortran order", np.asfortranarray(image)
    wide = np.zeros((image.shape[0], 2 * image.shape[1], *image.shape[2:]), image.dtype)
    wide[:, ::2] = image
    yield "every second column", wide[:, ::2]
    yield "negative strides", image[::-1, ::-1].copy()[::-1, ::-1]
    locked = image.copy()
    locked.flags.writeable = False
    yield "read-only", locked
    yield "big-endian", image.astype(image.dtype.newbyteorder(">"))
    raw = np.zeros(image.nbytes + 1, np.uint8)
    shifted = raw[1:].view(image.dtype).reshape(image.shape)
    shifted[...] = image
    yield "unaligned", shifted
    yield "transposed twice", image.swapaxes(0, 1).copy().swapaxes(0, 1)


def takes_any_layout(method: Method) -> None:
    """Strided, read-only, big-endian and unaligned inputs give the bits of the contiguous one."""
    for image in sample_inputs(method, 45, 61):
        expected = call(method, image)
        for name, other in layouts_of(image):
            assert same(call(method, other), expected), f"{method.name}: another result for {name} ({image.dtype})"


def takes_one_pixel(method: Method) -> None:
    """1×1, 1×N and N×1 work or are refused by name."""
    for image in sample_inputs(method):
        for small in (image[:1, :1], image[:1], image[:, :1]):
            accepts(method, small)


WRONG_INPUTS: tuple[Any, ...] = (
    None,
    "photo.jpg",
    3.5,
    [[1, 2], [3, 4]],
    np.zeros((0, 5), np.uint8),
    np.zeros((5, 0, 3), np.uint8),
    np.zeros((4, 4), np.int64),
    np.zeros((4, 4), np.float64),
    np.zeros((4, 4), np.complex64),
    np.zeros((4, 4), object),
    np.zeros((4, 4), "S3"),
    np.zeros(7, np.uint8),
    np.array(5, np.uint8),
    np.zeros((2, 3, 4, 5), np.uint8),
)


def _refusal(method: Method, what: str, /, *given: Any, **options: Any) -> str:
    """Return the sentence that a call is refused with, empty where it is accepted; another error fails."""
    try:
        method.function(*given, **options)
    except InputError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{method.name}: {type(error).__name__} instead of InputError for {what}") from error
    return ""


def refuses_by_name(method: Method) -> None:
    """What is no image raises an InputError whose sentence names the function, and what came."""
    others = method.arguments(next(sample_inputs(method)))
    for wrong in WRONG_INPUTS:
        said = _refusal(method, repr(wrong), wrong, **others)
        assert said, f"{method.name}: accepted {wrong!r}"
        assert method.name in said, f"{method.name}: the sentence does not name it: {said}"
        assert "got" in said, f"{method.name}: the sentence does not say what came: {said}"


WRONG_OPTIONS: dict[str, tuple[Any, ...]] = {
    "float": ("wide", np.nan, object(), np.zeros(3)),
    "int": ("many", 2.5, np.nan, object(), np.zeros(3)),
    "choice": ("nonsense", 7, object(), np.zeros(3)),
    "bool": ("yes", object(), np.zeros(3)),
}


def refuses_wrong_options_by_name(method: Method) -> None:
    """An option of another kind than the signature says raises an InputError whose sentence names the function."""
    image = next(sample_inputs(method))
    others = method.arguments(image)
    for option in method.parameters[1:]:
        for wrong in WRONG_OPTIONS.get(option.kind, ()):
            said = _refusal(method, f"{option.name}={wrong!r}", image, **{**others, option.name: wrong})
            if said:
                named = method.name in said or option.name == "seed"  # `generator` says what a seed is
                assert named, f"{method.name}: the sentence does not name it: {said}"
            else:
                accepted = option.kind == "int" and isinstance(wrong, np.ndarray)  # a footprint, a window
                assert accepted, f"{method.name}: accepted {option.name}={wrong!r}"


def states_its_nan_policy(method: Method) -> None:
    """The docstring says what NaN does; a call with NaN and infinity is refused by name or gives the same twice."""
    floats = [image for image in sample_inputs(method) if image.dtype == np.float32]
    if not floats:
        return
    text = inspect.getdoc(method.function) or ""
    assert "NaN" in text, f"{method.name}: the docstring does not say what NaN does"
    for image in floats:
        for value in (np.nan, np.inf, -np.inf):
            spoiled = image.copy()
            spoiled[3, 4] = value
            if accepts(method, spoiled):
                assert same(call(method, spoiled), call(method, spoiled)), f"{method.name}: {value} gives two results"


def gives_the_same_bits_at_any_thread_count(method: Method) -> None:
    """One, two and four threads give the same bits."""
    before = kernels.threads()
    try:
        for image in sample_inputs(method, 301, 37):  # tall: many strips of few pixels
            results = []
            for count in (1, 2, 4):
                kernels.set_threads(count)
                results.append(call(method, image))
            assert all(same(results[0], other) for other in results[1:]), f"{method.name}: depends on the thread count"
    finally:
        kernels.set_threads(before)


def is_safe_from_eight_threads(method: Method) -> None:
    """Eight Python threads at once get what one gets."""
    for image in sample_inputs(method, 203, 111):
        if _meet(method, image) > 0.02:  # of what is slow, one picture with several strips is enough
            for small in sample_inputs(method):
                _meet(method, small)
            return


def _meet(method: Method, image: np.ndarray) -> float:
    """Call from eight threads and compare; return the seconds of a call alone."""
    start = time.perf_counter()
    expected = call(method, image)
    seconds = time.perf_counter() - start
    turns = 16 if seconds < 0.005 else 8  # what is quick must meet more often
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: call(method, image), range(turns)))
    assert all(same(result, expected) for result in results), f"{method.name}: threads disturb one another"
    return seconds


def ends_its_steps_in_the_result(method: Method) -> None:
    """The value of the last step is what the method returns."""
    if method.steps is None:
        return
    for image in sample_inputs(method):
        steps = list(method.steps(image, **method.arguments(image)))
        assert len(steps) > 1, f"{method.name}: one step shows nothing"
        names = [step.name for step in steps]
        assert len(set(names)) == len(names), f"{method.name}: two steps share a name: {names}"
        assert same(steps[-1].value, call(method, image)), f"{method.name}: the last step is not the result"


def refuses_a_stranger(method: Method) -> None:
    """What takes no pixels refuses an object of an unknown kind, and None, by name."""
    first, *_ = method.parameters
    for wrong in (object(), None):
        said = _refusal(method, repr(wrong), **{**method.arguments(None), first.name: wrong})
        assert said, f"{method.name}: accepted {wrong!r}"
        assert method.name in said, f"{method.name}: the sentence does not name it: {said}"


STRUCTURE = (documents_its_parameters, states_its_source)
PIXELS = (
    can_be_called_by_a_page,
    leaves_its_input_alone,
    keeps_the_dtype,
    takes_any_layout,
    takes_one_pixel,
    refuses_by_name,
    refuses_wrong_options_by_name,
    states_its_nan_policy,
    gives_the_same_bits_at_any_thread_count,
    ends_its_steps_in_the_result,
)
THREADS = (is_safe_from_eight_threads,)  # takes as long as all the others: in the slow lane
