"""``sightline completion``: the script that lets a shell complete commands, options and file names."""

from __future__ import annotations

from typing import Literal

from rich.console import Console

from sightline.cli.terminal import Answer


def completion(shell: Literal["bash", "zsh", "fish"] | None = None, /) -> Answer:
    """Print the completion script; ``sightline --install-completion`` puts it in its place.

    Parameters
    ----------
    shell
        Which shell; the one that this runs in when left out.
    """
    from sightline.cli.app import build

    script = build().generate_completion(shell=shell)

    def show(console: Console) -> None:
        console.file.write(script)

    return Answer(script, show)
