"""Answers that are kept, because they are asked for again while a slider moves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

_KEPT = 16


class Kept:
    """The newest answers by what was asked."""

    def __init__(self) -> None:
        self.answers: OrderedDict[Hashable, Any] = OrderedDict()

    def __call__(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the answer to ``key``, made where it is not kept."""
        if key not in self.answers:
            self.answers[key] = make()
        self.answers.move_to_end(key)
        while len(self.answers) > _KEPT:
            self.answers.popitem(last=False)
        return self.answers[key]
