"""Seeds: streams are independent of one another and of the order they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.core.errors import InputError
from sightline.core.seeds import generator


def test_the_same_seed_and_keys_give_the_same_stream() -> None:
    assert generator(5, 1, 2).integers(1 << 60) == generator(5, 1, 2).integers(1 << 60)
    assert generator(5, 1, 2).integers(1 << 60) != generator(5, 2, 1).integers(1 << 60)
    assert generator(5).integers(1 << 60) != generator(6).integers(1 << 60)


def test_a_generator_is_used_as_it_is() -> None:
    own = np.random.default_rng(0)
    assert generator(own) is own
    with pytest.raises(InputError, match="cannot be split"):
        generator(own, 1)


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "7", None])
def test_other_seeds_are_refused(wrong: object) -> None:
    with pytest.raises(InputError, match="seed must be"):
        generator(wrong)
