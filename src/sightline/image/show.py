"""Showing a picture: inline in a notebook, in the system's viewer on a desktop, and an error where there is neither."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas
from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.files import write_bytes
from sightline.image.write import encode


@method(task="files", paper="W3C PNG 2025", lesson="w1d1")
def show(image: Any, *, title: str = "") -> None:
    """Show an image, a mask or a trace: inline in Jupyter, otherwise in the system's viewer.

    NaN is shown as black.

    Parameters
    ----------
    image
        H×W or H×W×3 image (uint8, uint16 or float32 0–1), bool H×W mask, or an object that shows itself in notebooks,
        such as a trace. Draw a result on its image first: ``show(found.draw(image))``.
    title
        Caption in a notebook, name of the window elsewhere, as far as the viewer shows one.

    Raises
    ------
    InputError
        When ``image`` is no picture, or there is neither a notebook nor a display.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> sl.show(None)
    Traceback (most recent call last):
    sightline.core.errors.InputError: show: image must be an image, a mask or a trace; got NoneType None.
    """
    notebook = _notebook()
    if notebook is not None and hasattr(image, "_repr_html_"):
        notebook.display(image)
        return
    data = encode(_picture(image), "PNG")
    if notebook is not None:
        if title:
            notebook.display(notebook.Markdown(f"**{title}**"))
        notebook.display(notebook.Image(data=data))
        return
    _launch(data, title)


def _picture(image: Any) -> np.ndarray:
    """Return what to show as H×W×3 uint8."""
    if not isinstance(image, np.ndarray):
        hint = ""
        if hasattr(image, "draw"):
            hint = " Draw the result on its image: show(result.draw(image))."
        elif isinstance(image, (str, os.PathLike)):
            hint = " Read it first: show(sightline.read(path))."
        raise InputError(f"show: image must be an image, a mask or a trace; got {describe(image)}.{hint}")
    if image.dtype == np.bool_ and image.ndim == 2:
        image = image.astype(np.uint8) * np.uint8(255)
    return Canvas(image, function="show").image()


def _notebook() -> Any:
    """Return IPython's display module when a notebook kernel is running, else None."""
    ipython = sys.modules.get("IPython")
    if ipython is None:  # never imported, so nothing of it runs
        return None
    shell = ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    import IPython.display

    return IPython.display


def _launch(data: bytes, title: str) -> None:
    command = _viewer()
    if not command:
        raise InputError(
            "show: needs a notebook or a display; got neither. Use sightline.write('picture.png', image) instead."
        )
    # The viewer reads the file after this call has ended, so it stays; the system clears its temporary folder.
    stem = "".join(c if c.isalnum() or c in " -_" else "-" for c in title).strip() or "sightline"
    target = Path(tempfile.mkdtemp(prefix="sightline-")) / f"{stem}.png"
    write_bytes(target, data)
    subprocess.Popen(  # not waited for: the window outlives the call
        [*command, str(target)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _viewer() -> list[str]:
    """Return the command that opens a file in the system's viewer; empty where there is no display."""
    if sys.platform == "darwin":
        return ["open"]
    if os.name == "nt":
        return ["explorer"]
    return ["xdg-open"] if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") else []
