"""``sightline completion``: the script that lets a shell complete commands, options and file names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import cyclopts
from cyclopts.completion import detect_shell
from rich.console import Console

from sightline import __version__
from sightline.cli.terminal import Answer
from sightline.core.cache import cache_folder, cached_text
from sightline.core.index import Index


def completion(shell: Literal["bash", "zsh", "fish"] | None = None, /) -> Answer:
    """Print the completion script; ``sightline --install-completion`` puts it in its place.

    It takes seconds to make, for options of hundreds of methods, and is kept until one of them changes.

    Parameters
    ----------
    shell
        Which shell; the one that this runs in when left out.
    """
    from sightline.cli.app import build

    chosen = shell or detect_shell()
    kept = cache_folder() / f"completion-{chosen}-{_digest()}"
    script = cached_text(kept, lambda: build().generate_completion(shell=chosen))

    def show(console: Console) -> None:
        console.file.write(script)

    return Answer(script, show)


def _digest() -> str:
    """Return what changes when a command, an option or the maker of scripts does."""
    index = Index()
    index.refresh()
    seen = hashlib.sha256(f"{__version__} {cyclopts.__version__} {index.digest}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]
