"""What suits each architecture: where it is written, its arguments, the engine's settings, the images it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from sightline.classify.prepare import Form
from sightline.train.recipe import for_images

# Where each architecture is written, and the engine's settings that suit it.
METHODS: dict[str, str] = {
    "mlp": "mlp",
    "lenet5": "lenet5",
    **dict.fromkeys(("resnet20", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"), "resnet"),
    "vit": "vit",
    **dict.fromkeys(("vgg11", "vgg13", "vgg16", "vgg19"), "vgg"),
    **dict.fromkeys(("resnext", "wide_resnet"), "resnext"),
    **{name: name for name in ("alexnet", "zfnet", "googlenet", "inception_v3", "squeezenet", "densenet")},
    **{name: name for name in ("mobilenet_v2", "mobilenet_v3", "efficientnet", "convnext", "deit", "swin", "airbench")},
}
_NORMALISED: dict[str, Any] = {"learning_rate": 4e-3, "epochs": 12, "weight_decay": 0.05}
_PLAIN: dict[str, Any] = {"learning_rate": 5e-4, "epochs": 20, "clip": 1.0, "warmup": 1.0}  # no batch normalisation
_ATTENTIVE: dict[str, Any] = {"learning_rate": 1e-3, "weight_decay": 0.05, "clip": 1.0, "warmup": 2.0}
DEFAULTS: dict[str, dict[str, Any]] = {
    "mlp": {"learning_rate": 1e-3, "epochs": 20},
    "lenet5": {"learning_rate": 2e-3, "epochs": 20},
    **{key: {**_ATTENTIVE, "epochs": 40} for key in ("vit", "deit")},
    **{key: {**_ATTENTIVE, "epochs": 30} for key in ("convnext", "swin")},
    **dict.fromkeys(("resnet", "resnext", "googlenet", "inception_v3", "densenet"), _NORMALISED),
    **dict.fromkeys(("mobilenet_v2", "mobilenet_v3", "efficientnet"), _NORMALISED),
    **dict.fromkeys(("alexnet", "zfnet", "vgg", "squeezenet"), _PLAIN),
    "airbench": {"learning_rate": 1e-2, "epochs": 10, "weight_decay": 0.05, "schedule": "one_cycle", "ema": 0.99},
}
# What suits small sets better than the default, which is the public checkpoint's.
SUITED: dict[str, dict[str, Any]] = {
    "vit": {"variant": "tiny"},
    **{key: {"hidden": 512} for key in ("alexnet", "zfnet", "vgg11", "vgg13", "vgg16", "vgg19")},
}
_SMALL_STEM = 40  # pixels a side; an ImageNet stem would leave too few places of anything smaller
_STEPS, _EPOCHS = 100, 30  # of small sets: steps of the optimiser, and the most epochs that may take
_TINY = 256  # pixels: so little work for a second thread that waiting for it costs more, much more on a busy machine
LARGEST = {"lenet5": 32}
LEAST = {"alexnet": 64, "zfnet": 64, "inception_v3": 80, **dict.fromkeys(("vgg11", "vgg13", "vgg16", "vgg19"), 32)}


def model_options(build: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the architecture's keyword arguments that a user may set: not those that the data and the run decide.

    Parameters
    ----------
    build
        What builds it.
    """
    decided = ("in_channels", "size", "mean", "std", "seed")
    parameters = inspect.signature(build).parameters
    return {name: item for name, item in parameters.items() if item.kind is item.KEYWORD_ONLY and name not in decided}


def model_arguments(method: str, takes: Mapping[str, Any], form: Form, public: bool) -> dict[str, Any]:
    """Return the architecture's arguments that suit the data, unless the user says otherwise.

    Parameters
    ----------
    method
        One of :data:`METHODS`.
    takes
        What :func:`model_options` returns.
    form
        What images become.
    public
        Whether public weights decide on the architecture.
    """
    suited = {"stem": "small" if max(form.size) <= _SMALL_STEM and not public else "imagenet"}
    return {
        **{name: value for name, value in suited.items() if name in takes},
        **({} if public else SUITED.get(method, {})),
    }


def engine_settings(suited: dict[str, Any], form: Form, images: int) -> dict[str, Any]:
    """Return the engine's settings: those that suit an architecture, made fit for the data.

    Parameters
    ----------
    suited
        Those of :data:`DEFAULTS`.
    form
        What images become.
    images
        Number of training images; 0 when it is not known.
    """
    settings = for_images(suited, images, batches=(8, 64), at=64)
    if form.size[0] * form.size[1] <= _TINY:
        settings["threads"] = 1
    if images:  # enough steps to get anywhere
        steps = -(-images // settings["batch_size"])
        settings["epochs"] = max(settings["epochs"], min(_EPOCHS, -(-_STEPS // steps)))
        settings["save_every"] = float(max(1, round(10 / steps)))  # a few steps are sooner done again than saved
    return settings
