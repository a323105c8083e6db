"""Traces: one file, the same bytes wherever it is played."""

from __future__ import annotations

import base64
import json
import re
import struct
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.core.errors import FormatError, InputError
from sightline.core.layers import LAYERS, Boxes, Curve, Grid, Heat, Mask, Matches, Picture, Table, Value
from sightline.core.trace import Step, Trace, trace_from_bytes
from sightline.core.trace_bytes import Form


def full_trace() -> Trace:
    random = np.random.default_rng(3)
    photo = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return Trace(
        "image.sample",
        {"low": 4.0, "kind": "soft"},
        (
            Step("photo", Picture(photo), Boxes(np.array([[1.0, 2, 9, 12]]), ("box",)), note="where it starts"),
            Step("heat", Heat(random.random((20, 30), np.float32))),
            Step("curve", Curve(random.random((7, 2)), ("t", "variance"), 0.5), Table(np.eye(2), ("a", "b"))),
            Step("tiles", Grid(random.random((5, 4, 4), np.float32))),
            Step("answer", Value(0.25, "t^*"), Mask(photo[..., 0] > 99)),
        ),
    )


def test_a_saved_trace_comes_back_equal(tmp_path: Path) -> None:
    trace = full_trace()
    trace.save(tmp_path / "x.trace")
    again = sl.load_trace(tmp_path / "x.trace")
    assert (again.method, again.parameters, len(again)) == (trace.method, trace.parameters, len(trace))
    for before, after in zip(trace, again, strict=True):
        assert (before.name, before.note) == (after.name, after.note)
        for a, b in zip(before.layers, after.layers, strict=True):
            assert type(a) is type(b)
            np.testing.assert_array_equal(np.asarray(a.value), np.asarray(b.value))
    assert again["curve"].layers[0] == again["curve"].layers[0]
    assert again.result == 0.25


def plain(value: object) -> object:
    """Return a result as a loaded trace gives it: records are dicts of their fields."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, (tuple, list)):
        return type(value)(plain(item) for item in value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def assert_equal(a: object, b: object) -> None:
    assert type(a) is type(b), (type(a), type(b))
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict) and isinstance(b, dict):
        assert list(a) == list(b)
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_equal(x, y)
    else:
        assert a == b


@pytest.mark.parametrize("name", ["label", "find_contours", "gradient", "dwt", "hough_lines"])
def test_results_of_many_parts_come_back(tmp_path: Path, name: str) -> None:
    y, x = np.mgrid[0:64, 0:96]
    photo = (127 + 90 * np.sin(np.hypot(x - 40, y - 30) / 4)).astype(np.uint8)
    function = getattr(sl.image, name)
    given = photo > 150 if name in ("label", "find_contours", "hough_lines") else photo
    trace = sl.trace(function, given)
    trace.save(tmp_path / "x.trace")
    again = sl.load_trace(tmp_path / "x.trace")
    for before, after in zip(trace, again, strict=True):
        for a, b in zip(before.layers, after.layers, strict=True):
            for item in fields(a):
                assert_equal(plain(getattr(a, item.name)), getattr(b, item.name))
    assert_equal(plain(trace.result), again.result)


def test_any_value_comes_back(tmp_path: Path) -> None:
    value = {"type": "blob", 3: [np.float32(0.5), (np.arange(4), None)], "blob": {"deep": [True, "text", []]}}
    Trace("image.sample", {}, (Step("x", Value(value)),)).save(tmp_path / "x.trace")
    again = sl.load_trace(tmp_path / "x.trace").result
    assert again["type"] == "blob"
    assert again[3][0] == 0.5
    assert again[3][1][0].tolist() == [0, 1, 2, 3]
    assert again[3][1][1] is None
    assert again["blob"] == {"deep": [True, "text", []]}


def test_numbers_that_json_has_no_word_for_come_back() -> None:
    values = [float("nan"), float("inf"), -float("inf"), 1.5]
    data = Trace("image.sample", {"sigma": float("inf")}, (Step("x", Value(values)),)).to_bytes()
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert header["parameters"] == {"sigma": "inf"}
    assert str(trace_from_bytes(data).result) == str(values)


def test_steps_know_the_line_that_took_them() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
    traced = sl.trace(sl.image.canny, image)
    source = (Path(sl.__file__).parents[2] / traced[0].file).read_text("utf-8").splitlines()
    for step in traced:
        assert step.line is not None
        assert f'Step("{step.name}"' in source[step.line - 1]
    again = trace_from_bytes(traced.to_bytes())
    assert [(s.file, s.line) for s in again] == [(s.file, s.line) for s in traced]


def test_what_is_known_of_the_call_travels_along() -> None:
    about = {"milliseconds": 1.5, "size": [30, 20], "scale": 0.5}
    again = trace_from_bytes(replace(full_trace(), about=about).to_bytes())
    assert again.about == about


def test_a_screen_gets_photos_as_jpeg_and_masks_without_loss() -> None:
    y, x = np.mgrid[0:200, 0:300]
    photo = np.stack([x % 256, y, (x + y) % 256], axis=2).astype(np.uint8)
    mask = (x // 7 + y // 5) % 2 == 0
    trace = Trace(
        "image.sample", {}, (Step("a", Picture(photo), Mask(mask)), Step("b", Picture(photo / np.float32(255))))
    )
    data = trace.to_bytes(Form(quality=92, pixels=15_000))
    again = trace_from_bytes(data)
    assert len(data) < len(trace.to_bytes()) / 2
    seen = again["a"].layers[0].value
    assert seen.shape[0] * seen.shape[1] <= 15_000
    assert again["b"].layers[0].value.dtype == np.uint8
    whole = trace_from_bytes(trace.to_bytes(Form(quality=92)))["a"]
    np.testing.assert_array_equal(whole.layers[1].value, mask)
    assert np.abs(whole.value.astype(int) - photo).mean() < 12


def test_a_frame_without_a_seal_is_read_only_where_it_has_a_number() -> None:
    trace = full_trace()
    with pytest.raises(FormatError, match="is not a trace"):
        trace_from_bytes(trace.to_bytes(Form(sealed=False)))
    frame = replace(trace, about={"id": 3}).to_bytes(Form(sealed=False))
    assert trace_from_bytes(frame).about == {"id": 3}


def test_a_live_frame_has_bits_for_masks_and_256_levels_for_maps() -> None:
    y, x = np.mgrid[0:600, 0:603]
    mask, heat = (x // 7 + y // 5) % 2 == 0, np.hypot(y, x).astype(np.float32) - 50
    few = (mask * np.uint8(200) + np.uint8(7)).astype(np.uint8)
    hole = heat.copy()
    hole[3, 3] = np.nan
    layers = {"mask": Mask(mask), "heat": Heat(heat), "few": Picture(few), "hole": Heat(hole), "flat": Heat(0 * heat)}
    trace = Trace("x", {}, tuple(Step(name, layer) for name, layer in layers.items()), {"id": 1})
    data = trace.to_bytes(Form(quality=92, pixels=10**6, sealed=False))
    assert len(data) < mask.size / 8 + 7.1 * mask.size
    again = trace_from_bytes(data)
    for name in ("mask", "few", "hole", "flat"):
        np.testing.assert_array_equal(again[name].value, trace[name].value)
        assert again[name].value.dtype == trace[name].value.dtype
    assert np.abs(again["heat"].value - heat).max() <= (heat.max() - heat.min()) / 509
    saved = trace_from_bytes(trace.to_bytes())
    np.testing.assert_array_equal(saved["heat"].value, heat)


@pytest.mark.parametrize("values", [(0, 255), (0, 110, 255), (3, 4, 5, 6)])
def test_pictures_of_few_greys_come_back_equal(values: tuple[int, ...]) -> None:
    picture = np.random.default_rng(1).choice(np.array(values, np.uint8), (50, 70))
    for form in (Form(), Form(quality=92)):
        again = trace_from_bytes(Trace("x", {}, (Step("x", Picture(picture)),)).to_bytes(form))
        np.testing.assert_array_equal(again.result, picture)
        assert again.result.dtype == np.uint8


@pytest.mark.parametrize("count", [1, 2, 8, 9, 30])
def test_pictures_of_few_colours_come_back_equal(count: int) -> None:
    random = np.random.default_rng(count)
    colours = random.integers(0, 256, (count, 3), dtype=np.uint8)
    picture = colours[random.integers(0, count, (90, 80))]
    picture[50, 31] = (1, 2, 3)  # a colour that a glance misses
    for form in (Form(), Form(quality=92)):
        again = trace_from_bytes(Trace("x", {}, (Step("x", Picture(picture)),)).to_bytes(form))
        np.testing.assert_array_equal(again.result, picture)


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    full_trace().save(path)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 97):
        spoiled = data.copy()
        spoiled[at] ^= 0x10
        path.write_bytes(spoiled)
        with pytest.raises(FormatError, match=re.escape(str(path))):
            sl.load_trace(path)


@pytest.mark.parametrize("cut", [0, 3, 40, 400])
def test_a_cut_trace_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.trace"
    path.write_bytes(full_trace().to_bytes()[:cut])
    with pytest.raises(FormatError, match=r"x\.trace"):
        sl.load_trace(path)


def test_html_is_self_contained() -> None:
    page = full_trace().to_html()
    assert page.count("<figure") == 5
    assert "http" not in page
    assert "data:image/png;base64," in page
    assert "<script>" not in Trace("x", {}, (Step("<script>", Value("<script>")),)).to_html()


def test_a_notebook_plays_the_trace_and_has_figures_where_scripts_do_not_run() -> None:
    page = full_trace()._repr_html_()
    assert page.count("<figure") == 5
    (played,) = re.findall(r'SightlinePlayer\.mount\(document\.getElementById\("[\w-]+"\),"([^"]+)"\)', page)
    again = trace_from_bytes(base64.b64decode(played))
    assert [step.name for step in again] == [step.name for step in full_trace()]
    assert page.count("<script>") == page.count("</script>") == 1
    assert not re.search(r"(src|href)=[\"']?http", page)
    assert page != full_trace()._repr_html_()  # two on one page do not share a place


def test_a_real_method_is_traced() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
    trace = sl.trace(sl.image.canny, image, low=40)
    assert trace.parameters == {"low": 40}
    np.testing.assert_array_equal(trace.result, sl.image.canny(image, low=40))


def test_methods_without_steps_say_so() -> None:
    with pytest.raises(InputError, match="does not show its steps"):
        sl.trace(sl.read, "x.png")
    with pytest.raises(InputError, match="at least one layer"):
        Step("empty")


def test_matches_join_two_pictures() -> None:
    left, right = np.zeros((20, 30), np.uint8), np.full((24, 40), 9, np.uint8)
    step = Step("pair", Matches(np.array([[3.0, 3, 9, 9]], np.float32)), Picture(left), Picture(right))
    shown = step.picture()
    assert shown is not None
    assert shown.shape == (24, 70, 3)
    drawn = (shown[:20, :30] > 0).any(axis=2)
    assert drawn[3, 3]
    assert drawn[:, 20].any()  # the line goes on to the other picture
    assert (shown[20:, :30] == 0).all()


def test_every_layer_kind_is_named_once() -> None:
    assert set(LAYERS) >= {"picture", "heat", "mask", "boxes", "points", "lines", "matches", "grid", "table", "curve"}
