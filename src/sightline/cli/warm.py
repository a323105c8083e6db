"""``sightline warm``: compile every kernel now, so that no first call waits."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.terminal import Answer, counted
from sightline.core.catalogue import Method, find, methods
from sightline.core.errors import SightlineError
from sightline.core.kernels import compile_shared, threads

_SIZE = (96, 112)  # more rows than a strip, so that both ways through the kernel doorway are taken
_KINDS = ("methods", "networks")
_PIXELS, _BATCHES = (64, 64), (1, 8)  # of what the networks see
_NETWORKS = ("mobilenet_v3", "resnet18")  # between them they use all kernels of the engine "fused"
_TRAINING = "training"
_SIDES = (16, 64)  # of maps: filters are spread where they are multiplied for few tiles, and before for many


def warm(*, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
    """Compile all kernels ahead of their first use, and keep the machine code on disk.

    The methods are shared out among as many processes as kernels may use threads. With PyTorch installed, what networks
    use on a CPU is compiled, too, when they answer and when they learn.

    Parameters
    ----------
    json
        Give the seconds and calls of each method and network as JSON.
    """
    start = time.perf_counter()
    networks = (*_NETWORKS, _TRAINING) if find_spec("torch") else ()
    names = [entry.name for entry in methods("image")] + list(networks)
    rows = [row for _, row in zip(counted(names, "compile"), _warm_each(names), strict=True)]
    seconds = time.perf_counter() - start
    found = sorted((row for row in rows if row["calls"]), key=lambda row: row["name"])
    split = {name: [row for row in found if (row["name"] in networks) == (name == "networks")] for name in _KINDS}
    value = {"seconds": round(seconds, 3), **split}

    def show(console: Console) -> None:
        kinds = " and ".join(f"{len(rows)} {name}" for name, rows in split.items() if rows)
        console.print(f"{kinds} are compiled, in {seconds:.1f} s.")

    return Answer(value, show, json)


def _warm_each(names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the row of each method, in no certain order of names."""
    count = min(threads(), len(names))
    if count == 1:
        yield from map(_warm_named, names)
        return
    # Neighbours in the alphabet share kernels (sobel and scharr): two processes must not compile the same at once.
    part = -(-len(names) // count)
    order = [names[i] for start in range(part) for i in range(start, len(names), part)]
    quiet = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}  # the parent is interrupted
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), **quiet) as pool:
        yield from pool.map(_warm_named, order)


def _warm_named(name: str) -> dict[str, Any]:
    if name == _TRAINING:
        return warm_training()
    return warm_network(name) if name in _NETWORKS else warm_method(find(f"image.{name}"))


def warm_network(name: str) -> dict[str, Any]:
    """Run a network with fresh weights on one small image and on several, its layers merged and packed for the CPU.

    Parameters
    ----------
    name
        An architecture of ``sightline.classify``.
    """
    import torch

    import sightline.classify
    from sightline.nn.fused_network import FusedNetwork, runs_fused

    start, calls = time.perf_counter(), 0
    if runs_fused():
        network = FusedNetwork(getattr(sightline.classify, name)(10).eval(), (3, *_PIXELS))
        for images in _BATCHES:
            network(torch.zeros(images, 3, *_PIXELS))
            calls += 1
    return {"name": name, "seconds": round(time.perf_counter() - start, 4), "calls": calls}


def warm_training() -> dict[str, Any]:
    """Compute 3×3 convolutions and both their gradients, as networks use them that learn on a CPU."""
    import torch

    from sightline.nn.trained_convolution import conv2d

    start = time.perf_counter()
    weight = torch.zeros(64, 64, 3, 3, requires_grad=True)
    for side in _SIDES:
        maps = torch.zeros(1, 64, side, side, requires_grad=True)
        conv2d(maps.contiguous(memory_format=torch.channels_last), weight, padding=1).sum().backward()
    return {"name": _TRAINING, "seconds": round(time.perf_counter() - start, 4), "calls": len(_SIDES)}


def warm_method(entry: Method) -> dict[str, Any]:
    """Call a method on a small image of each dtype, grey and RGB; say how long it took and which calls it accepted."""
    start, calls = time.perf_counter(), 0
    if takes_image(entry):
        for dtype, top in (("uint8", 255), ("uint16", 65535), ("float32", 1)):
            for shape in (_SIZE, (*_SIZE, 3)):
                ramp = np.linspace(0, top, int(np.prod(shape))).reshape(shape).astype(dtype)
                calls += _accepts(entry, ramp)
    compile_shared()
    return {"name": entry.name, "seconds": round(time.perf_counter() - start, 4), "calls": calls}


def takes_image(entry: Method) -> bool:
    """Return whether the method's first argument is an image, and its example makes all else that it needs."""
    first, *others = entry.parameters or (None,)
    return (
        first is not None
        and first.kind == "image"
        and all(other.name in entry.example for other in others if other.required)
        and entry.name not in ("write", "show")
    )


def _accepts(entry: Method, image: np.ndarray) -> bool:
    try:
        entry.function(image, **entry.arguments(image))
    except SightlineError:  # not every method takes every dtype; what it refuses needs no kernel
        return False
    return True
