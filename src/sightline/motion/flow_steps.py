"""The steps of a dense flow that goes from coarse to fine: its flow on each level, and what it leaves over there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Image
from sightline.image.draw_motion import flow as draw_flow
from sightline.motion.flow_fields import as_flow, residual


def steps_of_levels(a: Image, b: AnyImage, levels: Iterable[tuple[Array, Array, int]]) -> Iterator[Step]:
    """Yield the pair, the flow and what still differs on each level, and the flow.

    Parameters
    ----------
    a, b
        The pictures.
    levels
        What :func:`~sightline.motion.flow_fields.from_coarse_to_fine` yields: planes of the flow, the data they were
        made from, and the level, 0 the finest and last one.
    """
    yield Step("pair", Picture(a), Picture(b), note="Two pictures, one after the other.")
    flow = np.zeros((1, 1, 2), np.float32)
    for u, data, level in levels:
        width = -(-a.shape[1] >> level) if level else a.shape[1]
        flow = as_flow(u, width)
        yield Step(f"level {level}", Picture(draw_flow(flow)), note=f"Up to {np.abs(flow).max():.1f} pixels of it.")
        yield Step(f"left over on level {level}", Heat(residual(data, u, width)), note="What still differs.")
    yield Step("flow", Value(flow), Picture(draw_flow(flow)), note="Hue: where to; saturation: how far.")
