"""``sightline lab``: every method live in the browser."""

from __future__ import annotations

import gc
import secrets
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.cli.terminal import talk
from sightline.core.errors import InputError, require

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sightline.serve.meter import Meter


def lab(
    *,
    port: int = 8600,
    host: str = "127.0.0.1",
    root: Path = Path(),
    browser: bool = True,
) -> int:
    """Open the lab in the browser: every method live on your own pictures, and a model trained before your eyes.

    Parameters
    ----------
    port
        Port to listen on; 0 takes a free one.
    host
        Address to listen on. Any other than this machine's own needs the token that is printed.
    root
        Folder whose pictures, videos and runs the lab shows; nothing outside it can be named.
    browser
        Whether to open the browser.
    """
    return open_lab(root, port=port, host=host, browser=browser)


def open_lab(
    root: Path, *, port: int = 8600, host: str = "127.0.0.1", browser: bool = True, page: str = "", command: str = "lab"
) -> int:
    """Run the lab until Ctrl-C, opened at a page of it; return the exit code.

    Parameters
    ----------
    root, port, host, browser
        See :func:`lab`.
    page
        Path of the page, ``lessons/w1d1``; the map of methods when left out.
    command
        What an error's sentence calls the command.
    """
    require("uvicorn")
    if find_spec("fastapi") is None:  # it is loaded behind the page
        require("fastapi")
    with _lasting():
        from sightline.lab.front import Front
        from sightline.lab.listing import Listing
        from sightline.lab.live_sharing import Sharing
        from sightline.serve.server import bind, bound_memory, is_loopback, run_server

    if not root.is_dir():
        raise InputError(f"{command}: --root must be a folder; got '{root}'.")
    token = None if is_loopback(host) else secrets.token_urlsafe(16)
    listening = bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}/{page}" + (f"?token={token}" if token else "")
    bound_memory()
    listing, sharing = Listing(), Sharing(root, token=token)

    def load(meter: Meter) -> FastAPI:
        with _lasting():
            from sightline.lab.app import application
            from sightline.lab.lab import Lab

            return application(Lab(root, listing=listing, sharing=sharing), meter)

    def ready() -> None:
        talk().print(f"The lab is open at {address}  (Ctrl-C closes it)", markup=False, soft_wrap=True)
        if browser:
            webbrowser.open(address)

    front = Front(listing, load, token=token)
    return run_server(front, listening, closing=front.close_doors, ready=ready, share=sharing)


@contextmanager
def _lasting() -> Iterator[None]:
    """What is made here lives as long as the server: searching it for garbage took a tenth of the time to start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
