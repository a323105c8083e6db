import io
import subprocess
import sys
import types

import numpy as np
import pytest
from PIL import Image

import sightline as sl
from sightline.core import evidence
from sightline.image import show as show_function  # the method, not its file

show_file = sys.modules["sightline.image.show"]


@pytest.fixture
def headless(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(show_file.sys, "platform", "linux")
    monkeypatch.setattr(show_file, "_notebook", lambda: None)


@pytest.fixture
def notebook(monkeypatch):
    shown = []
    module = types.SimpleNamespace(
        display=shown.append, Image=lambda data: ("image", data), Markdown=lambda text: ("text", text)
    )
    monkeypatch.setattr(show_file, "_notebook", lambda: module)
    return shown


def test_without_notebook_and_display_it_says_so(headless):
    with pytest.raises(sl.InputError, match=r"show: needs a notebook or a display; got neither\. Use sightline\.write"):
        sl.show(np.zeros((4, 4), np.uint8))


@evidence.equals("image.show", peer="pillow", tolerance="every pixel of what the viewer is handed", data="real photos")
def test_the_notebook_gets_the_very_pixels(notebook, photos, measured):
    worst = 0
    for image in photos.values():
        sl.show(image)
        got = np.asarray(Image.open(io.BytesIO(notebook.pop()[1])))
        rgb = np.asarray(Image.fromarray(image).convert("RGB"))
        worst = max(worst, int(np.abs(got.astype(int) - rgb).max()))
    measured(worst)
    assert worst == 0


def test_title_masks_and_floats_in_a_notebook(notebook):
    sl.show(np.eye(3, dtype=bool), title="eye")
    assert notebook[0] == ("text", "**eye**")
    assert np.asarray(Image.open(io.BytesIO(notebook[1][1])))[..., 0].tolist() == (255 * np.eye(3)).tolist()
    sl.show(np.full((2, 2), 0.5, np.float32))
    assert np.asarray(Image.open(io.BytesIO(notebook[2][1])))[0, 0].tolist() == [128] * 3


def test_objects_that_show_themselves_do_so_in_a_notebook(notebook):
    class Shown:
        def _repr_html_(self):
            return "<b>me</b>"

    item = Shown()
    show_function(item)
    assert notebook == [item]


def test_the_viewer_gets_a_png(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(show_file, "_notebook", lambda: None)
    monkeypatch.setattr(show_file, "_viewer", lambda: ["viewer"])
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: started.append(command))
    monkeypatch.setattr(show_file.tempfile, "mkdtemp", lambda **_: str(tmp_path))
    image = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    sl.show(image, title="a/b")
    assert started == [["viewer", str(tmp_path / "a-b.png")]]
    np.testing.assert_array_equal(sl.read(started[0][1]), image)


@pytest.mark.parametrize(
    ("thing", "hint"), [("a.png", "Read it first"), (sl.Classification(("a",), (1.0,)), "result.draw"), (None, "None")]
)
def test_other_things_are_refused(headless, thing, hint):
    with pytest.raises(sl.InputError, match="show: image must be") as caught:
        sl.show(thing)
    assert hint in str(caught.value)
