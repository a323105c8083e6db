"""Hold the house's sizes: files ≤ 600 lines, function bodies ≤ 40 (80 for a kernel or a forward), ≤ 12 arguments.

Also the static bars: no pickles, eval, exec, shell, extractall or bare except in the package, and final-path writes
only in the module that writes atomically. Run as a script; prints each breach and exits 1 when there is one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
WARN, FAIL = 400, 600
FORBIDDEN = {"eval", "exec", "extractall", "system", "popen"}
# Where a forbidden thing is meant, and why.
ALLOWED: dict[tuple[str, str], str] = {
    ("core/files.py", "open"): "the one way to write a file",
    ("image/write_frames.py", "open"): "the encoder writes a temporary file, which core/files.py then gives its name",
}


# One word per concept: a public function's parameter may not be called by the left one.
GLOSSARY = {
    "img": "image",
    "im": "image",
    "imgs": "images",
    "bbox": "box",
    "bboxes": "boxes",
    "keypoint": "keypoints",
    "ksize": "size",
    "kernel_size": "size",
    "border_mode": "border",
    "padding_mode": "border",
    "n_iter": "iterations",
    "max_iter": "iterations",
    "num_iterations": "iterations",
    "random_state": "seed",
    "rng": "seed",
    "epsilon": "eps",
    "n_heads": "num_heads",
    "num_classes": "classes",
    "lr": "learning_rate",
}


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body without its docstring."""
    first = node.body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    start = (first.end_lineno or 0) + 1 if documented else first.lineno
    return max(0, (node.end_lineno or 0) - start + 1)


def is_kernel_or_forward(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether the larger limit applies."""
    names = {ast.unparse(item).partition("(")[0] for item in node.decorator_list}
    return node.name == "forward" or bool(names & {"kernel"})


def argument_count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of arguments without self and cls."""
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def breaches(path: Path) -> Iterator[str]:
    """Yield one sentence a breach in a source file."""
    text = path.read_text("utf-8")
    name = path.relative_to(ROOT / "src" / "sightline").as_posix()
    lines = text.count("\n")
    if lines > FAIL:
        yield f"{name}: {lines} lines (limit {FAIL})"
    elif lines > WARN:
        print(f"note: {name} has {lines} lines (aim below {WARN})")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            limit = 80 if is_kernel_or_forward(node) else 40
            if body_lines(node) > limit:
                yield f"{name}:{node.lineno}: {node.name} has {body_lines(node)} lines (limit {limit})"
            if argument_count(node) > 12 and not is_kernel_or_forward(node):
                yield f"{name}:{node.lineno}: {node.name} has {argument_count(node)} arguments (limit 12)"
            yield from synonyms(name, node)
        yield from static_breaches(name, node)


def synonyms(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield parameters of public functions that go by another word than the glossary's."""
    if node.name.startswith("_") and node.name != "__init__":
        return
    for argument in (*node.args.args, *node.args.kwonlyargs):
        if argument.arg in GLOSSARY:
            yield f"{name}:{node.lineno}: {node.name}({argument.arg}) is called '{GLOSSARY[argument.arg]}' here"


def writes_a_file(node: ast.Call) -> bool:
    """Return whether a call opens a final path for writing."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in ("write_text", "write_bytes") and isinstance(node.func, ast.Attribute):
        return True
    modes = [*node.args[1:2], *node.args[:1], *(k.value for k in node.keywords if k.arg == "mode")]
    texts = [m.value for m in modes if isinstance(m, ast.Constant) and isinstance(m.value, str)]
    return called in ("open", "fdopen") and any(set(t) <= set("rwaxbt+") and set(t) & set("wax+") for t in texts)


def static_breaches(name: str, node: ast.AST) -> Iterator[str]:
    """Yield what the package must never do."""
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        yield f"{name}:{node.lineno}: bare except"
    if isinstance(node, ast.ExceptHandler) and all(isinstance(item, ast.Pass) for item in node.body):
        yield f"{name}:{node.lineno}: silent except"
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        modules = {alias.name for alias in node.names} | {getattr(node, "module", None)}
        if modules & {"pickle", "dill", "cloudpickle", "marshal", "shelve"}:
            yield f"{name}:{node.lineno}: imports a pickle"
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        method = isinstance(node.func, ast.Attribute) and called in ("eval", "system")
        if called in FORBIDDEN and not method and (name, called) not in ALLOWED:
            yield f"{name}:{node.lineno}: calls {called}"
        for keyword in node.keywords:
            value = getattr(keyword.value, "value", None)
            bad = (keyword.arg, value) in {("shell", True), ("allow_pickle", True), ("weights_only", False)}
            if bad:
                yield f"{name}:{node.lineno}: {keyword.arg}={value}"
        if writes_a_file(node) and (name, "open") not in ALLOWED:
            yield f"{name}:{node.lineno}: writes to a final path; use core.files"


def main() -> int:
    """Check the package; return the exit code."""
    found = [breach for path in sorted((ROOT / "src").rglob("*.py")) for breach in breaches(path)]
    print("\n".join(found) or "sizes and static bars: all held")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
