"""The door: finds the command, runs it, and turns what went wrong into one sentence and an exit code.

Exit codes: 0 done · 1 failed · 2 wrong usage · 130 interrupted. No command is imported before it is called for.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from cyclopts import App, CycloptsError, MissingArgumentError
from rich.console import Console

from sightline import __version__
from sightline.cli.terminal import BROKEN_PIPE, FAILED, INTERRUPTED, OK, STDIN, USAGE, Answer
from sightline.core.errors import InputError, SightlineError, suggest

_COMMANDS = {
    "demo": "See it work: five filters, a classifier trained, measured and explained, and a report.",
    "train": "Train a model on a folder of images.",
    "evaluate": "Measure a trained model on a dataset.",
    "predict": "Say what is in images.",
    "explain": "Show where a model looks.",
    "imagine": "Let a network make pictures: sightline imagine dream runs/photos-1 cat.jpg -o dream.gif",
    "export": "Write a trained model as one ONNX file: sightline export runs/digits-1 -o model.onnx",
    "attack": "Fool a model on one image, or measure how far it resists: sightline attack runs/digits-1",
    "image": "Run one image method: sightline image canny photo.jpg --low 40 -o edges.png",
    "features": "Run one feature method: sightline features sift photo.jpg -o found.png",
    "geometry": "Run one geometric method on pictures.",
    "motion": "Run one motion method on pictures.",
    "detect": "Run one method of detection: sightline detect nms boxes.csv --scores scores.csv",
    "track": "Follow what moves through a video: sightline track clip.mp4 --tracker sort -o followed.mp4",
    "flow": "Find where every pixel goes: sightline flow clip.mp4 -o flow.mp4, or two pictures.",
    "faces": "Enrol people from photos and recognise them: sightline faces enrol Ann ann.jpg",
    "sfm": "Reconstruct a scene from a folder of photos: sightline sfm photos/ --out castle",
    "calibrate": "Find a camera's focal length and lens: sightline calibrate photos/ --board 9x6 --square 0.025",
    "stereo": "Find how far away things are: sightline stereo left.jpg right.jpg --camera pair.json",
    "pipeline": "Run a chain of methods on pictures: sightline pipeline edges.toml photo.jpg -o out.png",
    "lab": "Open the lab in the browser: every method live on your own pictures.",
    "serve": "Serve one trained model over HTTP: sightline serve runs/digits-1",
    "data": "Look at a dataset, check it, repair it, convert it, divide it.",
    "zoo": "List public weights, fetch them, check those that are here: sightline zoo get resnet50-imagenet",
    "methods": "List the methods with their papers and parameters.",
    "learn": "Show the twelve-week path and your progress, or begin a lesson.",
    "check": "Grade the exercise of a lesson and say what is wrong.",
    "evidence": "Show what proves each method.",
    "reproduce": "Repeat a published figure.",
    "bench": "Time the methods side by side with their peers.",
    "warm": "Compile all kernels ahead of their first use.",
    "completion": "Print or install the completion script of a shell.",
}
_FIELDS = ("image", "features", "geometry", "motion", "detect")  # fields whose methods are commands
_APPS = ("data", "faces", "zoo", *_FIELDS)  # commands with commands of their own

_HELP = "Computer vision from the pixel grid to diffusion: methods to read, run, trust and watch."
_EPILOGUE = (
    "--json gives one JSON document on stdout wherever a machine may read. --debug shows the traceback of an error. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage."
)


def build(console: Console | None = None) -> App:
    """Return the command-line application; the commands are names until one is called."""
    app = App(
        name="sightline",
        help=_HELP,
        help_epilogue=_EPILOGUE,
        version=__version__,
        console=console,
        result_action="return_value",
        help_format="plaintext",
        suppress_keyboard_interrupt=False,  # what was interrupted says how to go on
    )
    for order, (name, text) in enumerate(_COMMANDS.items()):
        target = "app" if name in _APPS else name
        app.command(f"sightline.cli.{name}:{target}", name=name, help=text, sort_key=order)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        The words after ``sightline``; those of this process when None.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    stdout = sys.stdout
    try:
        with _plain_warnings():
            return _run(words, stdout)
    except KeyboardInterrupt as error:
        return _fail(str(error) or "Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        # The reader went away: nobody is left to tell. Python would complain once more when it flushes at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _fail(*_explain(error))


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show our warnings as one sentence on stderr, without the line of code that gave them."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, UserWarning):
                Console(file=sys.stderr, highlight=False, soft_wrap=True).print(f"Warning: {message}", markup=False)
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield


def _run(words: list[str], stdout: TextIO) -> int:
    if words and words[0][:1] != "-" and words[0] not in _COMMANDS:
        known = ", ".join(_COMMANDS)
        raise InputError(f"sightline: no command is named '{words[0]}'.{suggest(words[0], _COMMANDS)} Known: {known}.")
    if words[:1] and words[0] in _FIELDS and len(words) > 1:
        words = [words[0], words[1].replace("-", "_") if words[1][:1] != "-" else words[1], *words[2:]]
    # A lone dash would be read as an option without a name.
    words = [STDIN if word == "-" else word for word in words]
    app = build(Console(file=stdout, highlight=False))
    if words[:1] == ["--install-completion"]:  # registered on demand: it costs a tenth of the time that --help takes
        app.register_install_completion_command()
    # stdout belongs to the answer; whatever is printed on the way goes to stderr.
    with contextlib.redirect_stdout(sys.stderr):
        answer: Any = app(words, exit_on_error=False, print_error=False)
    if isinstance(answer, Answer):
        answer.write(stdout)
        return answer.code
    stdout.flush()
    return answer if isinstance(answer, int) else OK


def _explain(error: Exception) -> tuple[str, int]:
    if isinstance(error, CycloptsError):
        command = " ".join(["sightline", *(error.command_chain or ())])
        text = re.sub('^(Command "[^"]*" parameter|Parameter) ', "", " ".join(str(error).split()))
        if isinstance(error, MissingArgumentError) and not (error.keyword or error.tokens_so_far):
            text = text.replace("requires an argument.", "is missing.")  # not named at all
        return f"{command}: {text} See {command} --help.", USAGE
    if isinstance(error, SightlineError):
        return str(error), USAGE if isinstance(error, InputError) else FAILED
    if isinstance(error, ImportError) and isinstance(error.__cause__, Exception) and error.__cause__ is not error:
        return _explain(error.__cause__)  # the wrapper of a command that could not be loaded
    if isinstance(error, OSError) and error.strerror:
        where = f": '{error.filename}'" if error.filename else ""
        return f"{error.strerror}{where}.", FAILED
    if isinstance(error, MemoryError):
        return "Out of memory. A smaller batch (batch_size=…) or smaller images need less.", FAILED
    return f"Unexpected {type(error).__name__}: {error}. Run again with --debug to see where.", FAILED


def _fail(text: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        Console(file=sys.stderr, highlight=False, soft_wrap=True).print(text, style="red", markup=False)
    return code
