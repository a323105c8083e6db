"""A chain of methods written down: as Python, as a command line, and as the TOML that ``sightline pipeline`` runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sightline.apply.call import FITTED, depends_on_picture
from sightline.apply.firsts import GRAY, PICTURE
from sightline.apply.pipeline import Done
from sightline.apply.values import plain_options
from sightline.train.toml import to_toml

FILE = "pipeline.toml"
_PARTS = ("text", "bytes", "images")

Files = str | Sequence[str]  # of one picture, or of several


def as_toml(steps: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """Return a chain as TOML.

    Parameters
    ----------
    steps
        Name and JSON values of each method.
    """
    blocks = []
    for name, parameters in steps:
        given = {key: value for key, value in parameters.items() if value is not None}
        section = to_toml({"parameters": given}).replace("[parameters]", "[steps.parameters]", 1) if given else ""
        blocks.append(f"[[steps]]\nmethod = {to_toml({'x': name})[4:]}{section}")
    return "\n".join(blocks)


def as_command(chain: Sequence[Done], source: str, *, others: Mapping[str, Files] | None = None) -> str:
    """Return the command line that does the same.

    Parameters
    ----------
    chain
        Each method as it ran.
    source
        The picture's file.
    others
        Files of other pictures, by ``number.parameter`` of the step: the TOML names them.
    """
    done, named = chain[0], others or {}
    words = _words(done, source) if len(chain) == 1 and not named else None
    if words is None:
        begins = _has_picture(done) and f"0.{done.call.entry.parameters[0].name}" not in named
        words = ["sightline", "pipeline", FILE, *([source] if begins else []), "-o", "out.png"]
    return shlex.join(words)


def _has_picture(done: Done) -> bool:
    first = done.call.entry.parameters[0]
    return first.kind in ("image", "mask", "labels", "array", "images")


def _words(done: Done, source: str) -> list[str] | None:
    """Return the words of ``sightline image``, None where it would do something else or cannot say it."""
    call = done.call
    # The command makes a mask of what is brighter than the middle; here edges or things may have been looked for.
    if call.entry.field != "image" or call.code not in ((), (GRAY,)) or call.entry.parameters[0].kind in _PARTS:
        return None
    words = ["sightline", "image", call.entry.name, source]
    if call.code:
        words.append("--gray")
    for name, value in call.options.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(option if value else f"--no-{name.replace('_', '-')}")
        elif isinstance(value, (int, float, str)):
            words += [option, str(value)]
        else:
            return None
    return [*words, "-o", "out.png"]


def as_python(chain: Sequence[Done], source: str, *, gray: bool, others: Mapping[str, Files] | None = None) -> str:
    """Return a program that makes the same picture.

    Parameters
    ----------
    chain
        Each method as it ran.
    source
        The picture's file.
    gray
        Whether the picture is a grey one.
    others
        Files of other pictures, by ``number.parameter`` of the step.
    """
    writer = _Writer(others or {})
    current = ""
    several = writer.others.get(f"0.{chain[0].call.entry.parameters[0].name}")
    if several is not None:
        current = writer.read_several(several)
    elif _has_picture(chain[0]):
        mode = ', mode="gray"' if gray else ""
        writer.lines.append(f"photo = sl.read({source!r}{mode})")
        current = "photo"
    for number, done in enumerate(chain):
        current = writer.call(number, done, current)
    writer.end(chain[-1], current)
    return writer.text()


class _Writer:
    """Collects the lines of a program and the imports that they need."""

    def __init__(self, others: Mapping[str, Files]) -> None:
        self.lines: list[str] = []
        self.imports: set[str] = set()
        self.others = others
        self.names: set[str] = {"photo"}
        self.traced = ""  # the last call, step by step

    def name(self, wanted: str) -> str:
        number, found = 2, wanted
        while found in self.names:
            found, number = f"{wanted}_{number}", number + 1
        self.names.add(found)
        return found

    def call(self, number: int, done: Done, current: str) -> str:
        call = done.call
        for code in call.code:
            made = self.name("gray" if "gray" in code else "mask")
            if code == PICTURE:
                self.imports.add("from sightline.apply.outputs import as_picture")
            self.lines.append(f"{made} = {code.format(current)}")
            current = made
        first = current or self.first(done)
        if first == "photo" and isinstance(call.first, list):
            first = self.parts(done)
        words = [first, *self.options(number, done, first)]
        found = self.name(_result_name(call.entry.name))
        function = call.entry.path.replace("sightline", "sl", 1)
        self.lines.append(f"{found} = {function}({', '.join(words)})")
        self.traced = f"sl.trace({', '.join([function, *words])})"
        part = done.part()
        if part is not None and part[0] and isinstance(done.result, tuple):
            named = hasattr(done.result, "_fields")
            return f"{found}.{part[0]}" if named else f"{found}[{int(part[0]) - 1}]"
        return found

    def first(self, done: Done) -> str:
        return self.literal(done.call.first)

    def read_several(self, files: Files) -> str:
        found = self.name("photos")
        self.lines.append(f"{found} = [sl.read(name) for name in {list(files)!r}]")
        return found

    def parts(self, done: Done) -> str:
        """Write how the example cuts its pictures from the one photo."""
        entry = done.call.entry
        self.imports.add("from sightline.core.catalogue import find")
        found = self.name("parts")
        example = f'find("{entry.field}.{entry.name}").example["{entry.parameters[0].name}"]'
        self.lines.append(f"{found} = {example}(photo)")
        return found

    def literal(self, value: Any) -> str:
        if isinstance(value, np.ndarray):
            self.imports.add("import numpy as np")
            kind = "" if value.dtype in (np.float64, np.bool_) else f", np.{value.dtype.name}"
            return f"np.array({value.tolist()!r}{kind})"
        if isinstance(value, (list, tuple)):
            inner = ", ".join(self.literal(item) for item in value)
            comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{comma})"
        return repr(value.item() if isinstance(value, np.generic) else value)

    def options(self, number: int, done: Done, first: str) -> list[str]:
        call = done.call
        plain = plain_options(call.options)
        words, examples = [], []
        for name, value in call.options.items():
            file = self.others.get(f"{number}.{name}")
            if isinstance(file, str):
                words.append(f"{name}={self.read_other(name, file, value, first)}")
            elif name in call.made_up and (name not in plain or depends_on_picture(call.entry, name)):
                examples.append(name)
            elif name in plain:
                words.append(f"{name}={self.literal(value)}")
        if examples:
            self.imports.add("from sightline.apply.call import example_options")
            self.imports.add("from sightline.core.catalogue import find")
            method = f"{call.entry.field}.{call.entry.name}"
            made = self.name("example")
            self.lines.append(f'{made} = example_options(find("{method}"), {first})')
            words += [f"{name}={made}[{name!r}]" for name in examples]
        return words

    def read_other(self, name: str, file: str, value: Any, first: str) -> str:
        other = self.name(name)
        colour = isinstance(value, np.ndarray) and value.ndim == 3
        self.lines.append(f"{other} = sl.read({file!r}{'' if colour else ', mode=' + repr('gray')})")
        whole = isinstance(value, np.ndarray) and value.dtype in (np.bool_, np.int32)
        if name in FITTED:
            method = "nearest" if whole else "bilinear"
            self.lines.append(f"if {other}.shape[:2] != {first}.shape[:2]:")
            self.lines.append(f"    {other} = sl.image.resize({other}, {first}.shape[:2], {method!r})")
        if whole:
            return f"{other} > 127" if value.dtype == np.bool_ else f'{other}.astype("int32")'
        return other

    def end(self, done: Done, current: str) -> None:
        part = done.part()
        if part is not None:
            array = part[1]
            direct = array.dtype in (np.uint8, np.uint16) and (array.ndim == 2 or array.shape[2] == 3)
            if not direct:
                self.imports.add("from sightline.apply.outputs import as_picture")
            self.lines.append(f'sl.write("out.png", {current if direct else f"as_picture({current})"})')
            return
        self.lines.append(f"print({current})")
        items = done.result if isinstance(done.result, list) else [done.result]
        if items and all(hasattr(item, "draw") for item in items) and "photo" in self.names:
            self.lines.append("drawn = photo")
            self.lines.append(f"for item in {current if isinstance(done.result, list) else f'[{current}]'}:")
            self.lines.append("    drawn = item.draw(drawn)")
            self.lines.append('sl.write("out.png", drawn)')
        elif done.call.entry.steps is not None:
            self.lines.append(f'sl.write("out.png", {self.traced}[-1].picture())')

    def text(self) -> str:
        imports = sorted({"import sightline as sl", *self.imports}, key=_import_order)
        return "\n".join([*imports, "", *self.lines]) + "\n"


def _import_order(line: str) -> tuple[int, str]:
    return (0 if line.startswith("import numpy") else 1 if line.startswith("import") else 2), line


def _result_name(method: str) -> str:
    """Return what to call a method's result: a noun where the method has an obvious one, else its own name."""
    nouns = {"canny": "edges", "gaussian_blur": "smooth", "label": "labels", "threshold": "binary", "convert": "colour"}
    return nouns.get(method, method)
