"""Pictures as arguments: what becomes a mask, what stays, what an example fills in."""

from __future__ import annotations

import numpy as np
import pytest

import sightline as sl
from sightline.apply.call import Call, example_options, prepare
from sightline.apply.firsts import as_first
from sightline.apply.outputs import as_picture
from sightline.apply.runnable import why_not
from sightline.apply.traced import trace_call
from sightline.core.catalogue import find, methods
from sightline.core.errors import InputError

PHOTO = np.random.default_rng(4).integers(0, 256, (40, 50, 3), dtype=np.uint8)
GRAY = PHOTO[..., 0]
MASK = GRAY > 150


def test_a_photo_becomes_edges_for_shapes_and_things_for_others() -> None:
    gray = sl.image.convert(PHOTO, "rgb", "gray")
    np.testing.assert_array_equal(as_first(find("hough_lines"), PHOTO).array, sl.image.canny(gray))
    things = gray > sl.image.otsu_threshold(gray)
    np.testing.assert_array_equal(as_first(find("fill_holes"), PHOTO).array, things)
    np.testing.assert_array_equal(as_first(find("regions"), PHOTO).array, sl.image.label(things)[0])


@pytest.mark.parametrize("low", [0, 7])
def test_a_picture_of_two_values_is_a_mask_already(low: int) -> None:
    painted = np.where(MASK, 255, low).astype(np.uint8)
    for name in ("hough_lines", "fill_holes"):
        np.testing.assert_array_equal(as_first(find(name), painted).array, MASK)
    assert not as_first(find("fill_holes"), np.zeros((4, 4), np.uint8)).array.any()


def test_what_another_method_gave_is_taken_as_it_is() -> None:
    assert as_first(find("fill_holes"), MASK).array is MASK
    labels = sl.image.label(MASK)[0]
    assert as_first(find("regions"), labels).array is labels
    np.testing.assert_array_equal(as_first(find("fill_holes"), labels).array, MASK)
    np.testing.assert_array_equal(as_first(find("canny"), MASK).array, np.where(MASK, 255, 0))
    assert as_first(find("canny"), sl.image.sobel(GRAY)).array.dtype == np.uint8


def test_how_a_picture_was_changed_is_told_in_python_that_does_the_same() -> None:
    for name in ("hough_lines", "fill_holes", "regions", "canny"):
        for array in (PHOTO, GRAY, MASK):
            made = as_first(find(name), array)
            current = array
            for code in made.code:
                names = {"sl": sl, "x": current, "as_picture": as_picture}
                current = eval(code.format("x"), names)
            np.testing.assert_array_equal(current, made.array)
            assert current.dtype == made.array.dtype


def test_examples_fill_in_what_is_missing_and_nothing_else() -> None:
    call = prepare(find("gaussian_blur"), {"image": PHOTO}, {})
    assert call.options == {"sigma": 4.0}
    assert call.made_up == {"sigma"}
    given = prepare(find("gaussian_blur"), {"image": PHOTO}, {"sigma": 1})
    assert given.options == {"sigma": 1}
    assert not given.made_up
    assert "corners" not in example_options(find("scan_document"), PHOTO)
    assert prepare(find("canny"), {"image": PHOTO}, {}).options == {}


def test_a_second_picture_is_fitted_to_the_first() -> None:
    call = prepare(find("blend"), {"a": PHOTO, "b": GRAY[:20], "mask": np.zeros((9, 9), np.uint8)}, {})
    assert call.options["b"].shape == PHOTO.shape
    assert call.options["mask"].shape == PHOTO.shape[:2]
    assert call.options["mask"].dtype == np.bool_
    template = prepare(find("match_template"), {"image": GRAY, "template": PHOTO[:9, :9]}, {}).options["template"]
    assert template.shape == (9, 9)


def test_methods_that_take_no_colour_get_grey() -> None:
    traced, result, call = trace_call(prepare(find("moments"), {"image": PHOTO}, {}))
    assert isinstance(call, Call)
    assert result == sl.image.moments(sl.image.convert(PHOTO, "rgb", "gray"))
    assert call.code[-1].startswith("sl.image.convert(")
    assert [step.name for step in traced] == ["input", "result"]


def test_methods_without_steps_show_what_went_in_and_came_out() -> None:
    for name in ("median_blur", "dilate", "fft", "blobs_dog", "convex_hull"):
        entry = find(name)
        given = {} if name == "convex_hull" else {"image": PHOTO}
        traced, _, _ = trace_call(prepare(entry, given, {}))
        assert [step.name for step in traced][:1] == ["input"]
        assert len(traced) == 2
        assert traced.about["milliseconds"] >= 0


@pytest.mark.parametrize("entry", methods("image"), ids=lambda entry: entry.name)
def test_every_image_method_is_runnable_or_says_why_not(entry: object) -> None:
    reason = why_not(entry)  # pyrefly: ignore
    assert bool(reason) == (entry.task == "files")  # pyrefly: ignore


def test_an_object_is_no_command_of_a_page() -> None:
    objects = [entry for entry in methods() if isinstance(entry.function, type)]
    assert any(not entry.parameters for entry in objects)
    assert all("keeps what it has seen" in why_not(entry) for entry in objects)


def test_what_cannot_be_run_says_why() -> None:
    with pytest.raises(InputError, match="reads or writes files"):
        prepare(find("read"), {"image": PHOTO}, {"path": "/etc/passwd"})
    with pytest.raises(InputError, match="takes no picture called 'other'"):
        prepare(find("canny"), {"image": PHOTO, "other": PHOTO}, {})
    with pytest.raises(InputError, match="must name a picture"):
        prepare(find("canny"), {}, {})


def test_flow_is_shown_in_its_colours() -> None:
    flow = np.zeros((4, 5, 2), np.float32)
    flow[:, 3:] = (2, 0)
    shown = as_picture(flow)
    assert shown.shape == (4, 5, 3)
    assert shown[0, 4].tolist() == [255, 0, 0]
    assert (shown[:, :3] == 255).all()
