"""The static bars that ``make check`` holds the package to catch what breaks them; SECURITY names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sizes

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "line",
    [
        "eval('1')",
        "exec(text)",
        "archive.extractall(folder)",
        "subprocess.run(text, shell=True)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path, weights_only=False)",
        "import pickle",
        "from pickle import loads",
        "open(path, 'w').write(text)",
        "path.open('ab')",
        "path.write_text(text)",
        "try:\n    f()\nexcept:\n    g()",
        "try:\n    f()\nexcept OSError:\n    pass",
    ],
)
def test_a_planted_breach_is_caught(line: str) -> None:
    assert [breach for node in ast.walk(ast.parse(line)) for breach in sizes.static_breaches("image/x.py", node)]


def test_synonyms_and_sizes_are_caught() -> None:
    (function,) = ast.parse("def blur(img, ksize=3):\n    return img\n").body
    assert len(list(sizes.synonyms("image/x.py", function))) == 2
    (long,) = ast.parse("def f():\n" + "    g()\n" * 41).body
    assert sizes.body_lines(long) == 41


def test_security_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert len(named) > 10
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text("utf-8"), f"{path}::{test}"
