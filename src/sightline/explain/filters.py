"""Filters: the weights of a convolution as pictures. In the first layer they have the colours of the image.

Krizhevsky, Sutskever, Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS, Fig. 3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.core.layers import Grid
from sightline.core.trace import Step
from sightline.nn.probe import numbers_of, probing


@method(task="explanation", paper="Krizhevsky 2012", lesson="w5d6")
def filters(model: nn.Module, layer: str | nn.Module | None = None) -> Float32[np.ndarray, "n h w *c"]:
    """Return the kernels of a convolution: the template that each of its units compares its window with.

    They are what the layer really multiplies its input by, so that weights which it masks or shares are shown as they
    work. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Any network with two-dimensional convolutions.
    layer
        Name of the convolution or the module itself; the first one of the model when None.

    Returns
    -------
    n×h×w×3 float32 where the layer looks at three channels, as the first layer of a network for colour images does;
    else n×h×w, one tile for each pair of a kernel and an input channel, kernel by kernel.

    Raises
    ------
    InputError
        When the model has no convolution, or the layer is none.

    References
    ----------
    Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS 2012.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import filters
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 3))
    >>> filters(model).shape, filters(model, "2").shape
    ((8, 5, 5, 3), (32, 3, 3))
    """
    conv = _convolution(model, layer)
    with probing(conv):
        kernels = numbers_of("filters", conv, _kernels(conv), "kernels")  # n×C×h×w
    if kernels.shape[1] == 3:
        kernels = kernels.permute(0, 2, 3, 1)
    else:
        kernels = kernels.flatten(0, 1)
    return kernels.detach().to("cpu", torch.float32).contiguous().numpy()


@filters.steps
def _(model: nn.Module, layer: str | nn.Module | None = None) -> Iterator[Step]:
    kernels = filters(model, layer)
    colour = "in the colours of the image" if kernels.ndim == 4 else "one channel a tile"
    yield Step("filters", Grid(kernels), note=f"{len(kernels)} of them, {colour}; each from its lowest to its highest.")


def _convolution(model: nn.Module, layer: str | nn.Module | None) -> nn.Conv2d:
    """Return the convolution that is meant."""
    known = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    if layer is None:
        if not known:
            raise InputError("filters: the model has no convolution. Look at its feature_maps instead.")
        return next(iter(known.values()))
    for name, module in known.items():
        if layer in (name, module):
            return module
    named = layer if isinstance(layer, str) else type(layer).__name__
    raise InputError(f"filters: layer must be a convolution of the model; got '{named}'. Known: {', '.join(known)}.")


def _kernels(conv: nn.Conv2d) -> Tensor:
    """Return n×C×h×w, the gradient of one place of the output with respect to the window that it sees."""
    reach = [d * (k - 1) + 1 for d, k in zip(conv.dilation, conv.kernel_size, strict=True)]
    pads = [0 if isinstance(conv.padding, str) else conv.padding[axis] for axis in (0, 1)]
    if conv.padding == "same":
        pads = [(r - 1) // 2 for r in reach]
    first = [-(-pad // stride) for pad, stride in zip(pads, conv.stride, strict=True)]  # a place clear of the padding
    start = [at * stride - pad for at, stride, pad in zip(first, conv.stride, pads, strict=True)]
    blank = torch.zeros(1, conv.in_channels, *(s + r for s, r in zip(start, reach, strict=True)), requires_grad=True)
    blank = blank.to(conv.weight.device, conv.weight.dtype)
    response = conv(blank)[0, :, first[0], first[1]]
    one_each = torch.eye(len(response), dtype=response.dtype, device=response.device)
    (gradient,) = torch.autograd.grad(response, blank, one_each, is_grads_batched=True)  # n×1×C×H×W
    rows, columns = (slice(s, s + r, d) for s, r, d in zip(start, reach, conv.dilation, strict=True))
    return gradient[:, 0, :, rows, columns]
