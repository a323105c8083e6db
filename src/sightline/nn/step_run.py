"""Layers that follow each other as one call: what they do to one image takes less time than to ask for it one by one.

Between two operations PyTorch finds out what is asked, makes a tensor and wakes its threads: some 20 microseconds, as
long as a small layer takes. Here neighbouring layers are written down once, as the steps of one program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sightline.nn.layer import Activation, Layer
from sightline.nn.matrix_panels import LANES
from sightline.nn.step_plan import Sizes, cut, place_values, spare_bytes
from sightline.nn.step_work import FILTER, HEAD, MATRIX, PROGRAM, STEP, WIDE, WINOGRAD, run_steps
from sightline.nn.torch_threads import on_torch_threads
from sightline.nn.winograd import MEMORY, Plan, WinogradConv
from sightline.nn.winograd_work import JOB, tell
from sightline.nn.workspace import workspace

_aten = torch.ops.aten
_PLANS = 8  # numbers of images that a run keeps a plan for
_FEW = 4  # channels; with so many or fewer, all places of a line are one product
_PRODUCTS, _PLACES = 1 << 24, 3136  # of the largest convolutions that are a step: of one, or of the other
_FEW_PLACES = 64  # of an image whose products are as fast in float32 as in bfloat16

# scale, shift, low, high, and whether the result multiplies what it was made of
_FORMULAS = {
    "none": (1.0, 0.0, -math.inf, math.inf, 0.0),
    "relu": (1.0, 0.0, 0.0, math.inf, 0.0),
    "hardsigmoid": (1 / 6, 0.5, 0.0, 1.0, 0.0),
    "hardswish": (1 / 6, 0.5, 0.0, 1.0, 1.0),
}


def formula_of(activation: Activation) -> tuple[float, ...] | None:
    """Return the five numbers of an activation, see :mod:`~sightline.nn.row_products`; None where it has none."""
    if activation.name == "hardtanh":
        return (1.0, 0.0, *activation.numbers, 0.0)
    return _FORMULAS.get(activation.name)


def kind_of_step(layer: Layer, framed: bool) -> int | None:
    """Return whether a layer can be a step: ``MATRIX``, ``FILTER`` or None.

    Parameters
    ----------
    layer
        What is computed.
    framed
        Whether it reads the pixels, around which there is a frame already.
    """
    weight = layer.weight
    filters, channels = weight.shape[:2]
    if formula_of(layer.activation) is None or filters < LANES:
        return None
    if weight.ndim == 2:
        return MATRIX if len(layer.size) == 2 else None
    square = weight.shape[2] == weight.shape[3] and layer.stride[0] == layer.stride[1]
    if not square or layer.padding[0] != layer.padding[1] or layer.dilation != (1, 1):
        return None
    if layer.groups == filters and channels == 1:
        return None if layer.adds else FILTER
    return MATRIX if layer.groups == 1 and (framed or _has_few(layer, _PLACES)) else None


def is_light_step(layer: Layer, framed: bool) -> bool:
    """Return whether a layer is a step that takes no longer in float32 than oneDNN's does in bfloat16.

    Parameters
    ----------
    layer, framed
        As of :func:`kind_of_step`.
    """
    kind = kind_of_step(layer, framed)
    if kind != MATRIX or layer.weight.ndim == 2:
        return kind is not None
    if framed:
        return layer.weight.shape[1] <= _FEW
    return layer.weight.shape[2] == 1 and layer.padding == (0, 0) and _has_few(layer, _FEW_PLACES)


def _has_few(layer: Layer, places: int) -> bool:
    """Return whether a convolution has no more answers than that, or few products."""
    (_, _, *sides), (step, _) = layer.size, layer.stride
    answers = math.prod((side + 2 * layer.padding[0] - layer.weight.shape[2]) // step + 1 for side in sides)
    return answers <= places or answers * layer.weight.numel() <= _PRODUCTS


class StepLayer(nn.Module):
    """A layer that becomes a step of a :class:`StepRun`.

    Parameters
    ----------
    layer
        What is computed; :func:`kind_of_step` says of which layers it can be.
    kind
        ``MATRIX`` or ``FILTER``.
    """

    def __init__(self, layer: Layer, kind: int) -> None:
        super().__init__()
        self.kind, self.adds = kind, layer.adds
        self.side, self.stride, self.padding = 1, layer.stride[0], layer.padding[0]
        weight = layer.weight if layer.weight.ndim == 4 else layer.weight[:, :, None, None]
        self.side = weight.shape[2]
        # Plain attributes: a module's conversion to another type would leave numbers that the kernel cannot read.
        places = weight.permute(2, 3, 1, 0).reshape(-1, len(weight)).float()
        self.weights = (_panels(places) if kind == MATRIX else places.contiguous()).clone()
        self.bias = layer.bias.float().clone()
        self.formula = torch.tensor(formula_of(layer.activation))

    def shorten_weights(self) -> None:
        """Round the weights of a matrix to bfloat16. They multiply float32 maps all the same."""
        if self.kind == MATRIX:
            self.weights = self.weights.bfloat16()

    def sizes(self, before: tuple[int, int, int], after: tuple[int, int, int]) -> Sizes:
        """Return what this step does to maps of one size, C×H×W before and after."""
        return Sizes(self.kind, before, after, self.side, self.stride, self.padding)


def _panels(matrix: Tensor) -> Tensor:
    """Return the columns of a matrix in panels of two vectors, which overlap where they would end behind the last."""
    columns = matrix.shape[1]
    second = min(LANES, columns - LANES)
    firsts = [min(first, max(columns - WIDE, 0)) for first in range(0, columns, WIDE)]
    parts = [matrix[:, [*range(at, at + LANES), *range(at + second, at + second + LANES)]] for at in firsts]
    return torch.stack(parts)


@dataclass
class Step:
    """One step of a program, by the numbers of the values that it reads and makes.

    Parameters
    ----------
    sizes
        What it makes of what.
    x, y
        Numbers of values.
    beside
        Number of what is added, or of the shares that are multiplied; None for none.
    layer
        Its weights, or a convolution by Winograd's way; None where it has none.
    bias
        The bias, or the colour of the frame; None for none.
    """

    sizes: Sizes
    x: int
    y: int
    beside: int | None = None
    layer: StepLayer | WinogradConv | None = None
    bias: Tensor | None = None


@dataclass
class Program:
    """Steps, and the values between them.

    Parameters
    ----------
    shapes
        Of each value, without the number of images: C×H×W, or C.
    given, answers
        Numbers of the values that come from outside, and of those that are asked for.
    steps
        In order.
    dtype
        Of all values: float32, or bfloat16 where all steps are ``LARGEST`` or ``WINOGRAD``.
    """

    shapes: list[tuple[int, ...]] = field(default_factory=list)
    given: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    dtype: torch.dtype = torch.float32

    def value(self, shape: tuple[int, ...]) -> int:
        """Return the number of a new value."""
        self.shapes.append(shape)
        return len(self.shapes) - 1


class StepRun(nn.Module):
    """Layers that follow each other, on the CPU, without gradients.

    Parameters
    ----------
    program
        The steps.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        widest = max(max(step.sizes.after[0], step.sizes.before[0]) for step in program.steps)
        self._zeros = torch.zeros(widest)
        self._plans: dict[tuple[int, int], _Plan] = {}

    def shorten_weights(self) -> None:
        """Round the weights of all layers that are a matrix to bfloat16: half as much to read."""
        for step in self.program.steps:
            if isinstance(step.layer, StepLayer):
                step.layer.shorten_weights()
        self._plans.clear()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the plans, which hold addresses of this module's weights."""
        return {**self.__dict__, "_plans": {}}

    def forward(self, *given: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the program's answers: one tensor, or a tuple where there are several.

        Parameters
        ----------
        *given
            B×C×H×W, or B×C; fastest with channels last, and of the program's type.
        """
        images, threads = len(given[0]), torch.get_num_threads()
        plan = self._plans.get((images, threads))
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[images, threads] = _Plan(self.program, images, threads, self._zeros)
        dtype = self.program.dtype
        held = [_in_order(tensor.to(dtype)) for tensor in given]
        answers = [_empty((images, *self.program.shapes[value]), dtype) for value in self.program.answers]
        if images:
            plan.run(held, answers, threads)
        return answers[0] if len(answers) == 1 else tuple(answers)


def _in_order(tensor: Tensor) -> Tensor:
    if tensor.ndim != 4:
        return tensor.contiguous()
    return tensor.contiguous(memory_format=torch.channels_last)


def _empty(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    if len(shape) != 4:
        return torch.empty(shape, dtype=dtype)
    return torch.empty(shape, dtype=dtype, memory_format=torch.channels_last)


class _Plan:
    """A program for a number of images and of threads, but for the addresses of what is given and asked for."""

    def __init__(self, program: Program, images: int, threads: int, zeros: Tensor) -> None:
        self.places = np.zeros(len(program.shapes) + 1, np.int64)  # of all values, and of zeros
        self.places[-1] = zeros.data_ptr()
        self.outside = np.array([*program.given, *program.answers])
        inner = [step.y for step in program.steps if step.y not in program.answers]
        last = {value: k for k, step in enumerate(program.steps) for value in (step.x, step.beside)}
        made = {step.y: k for k, step in enumerate(program.steps)}
        sizes = [program.dtype.itemsize * images * math.prod(program.shapes[value]) for value in inner]
        found = place_values(sizes, [made[v] for v in inner], [last.get(v, made[v]) for v in inner])
        self.inner, self.offsets, self.bytes = np.array(inner, np.int64), np.array(found[0], np.int64), found[1]
        spread = [(step, step.layer) for step in program.steps if isinstance(step.layer, WinogradConv)]
        plans = {id(step): _winograd_plan(step, max(images, 1), threads) for step, _ in spread}
        self.memory = {name: max(plan.memory.get(name, 0) for plan in plans.values()) for name in MEMORY if plans}
        parts = [(step, fields) for step in program.steps for fields in _parts(step, plans, max(images, 1), threads)]
        self.spare = -(-max(spare_bytes(fields) for _, fields in parts) // 64) * 64
        self.end = HEAD + len(parts) * STEP.itemsize  # where the jobs of Winograd's convolutions begin
        self.job = np.zeros(self.end + len(spread) * JOB.itemsize, np.uint8)
        rows, jobs = self.job[HEAD : self.end].view(STEP), self.job[self.end :].view(JOB)
        for row, (step, fields) in zip(rows, parts, strict=True):
            _describe(row, step, fields | {"bytes": program.dtype.itemsize})
        for number, (step, layer) in enumerate(spread):
            jobs[number] = plans[id(step)].job[0]
            own = {"adds": step.beside is not None, "bytes": program.dtype.itemsize}
            tell(jobs[number : number + 1], **own, **layer.described())
        self.of_steps, self.of_jobs = (_values([step for step, _ in of]) for of in (parts, spread))
        order = {id(step): number for number, (step, _) in enumerate(spread)}
        self.jobs = np.array([order.get(id(step), 0) for step, _ in parts]) * JOB.itemsize + self.end
        self.head = {"count": len(parts), "spare_each": self.spare}

    def run(self, given: list[Tensor], answers: list[Tensor], threads: int) -> None:
        """Do all steps."""
        job = self.job.copy()  # of this call alone: others may run meanwhile
        between, spare = workspace.hold("between", self.bytes), workspace.hold("spare", self.spare * threads)
        places = self.places.copy()
        places[self.inner] = self.offsets + between.ctypes.data
        places[self.outside] = [tensor.data_ptr() for tensor in (*given, *answers)]
        tell(job[:HEAD].view(PROGRAM)[:1], **self.head, spare=spare.ctypes.data)
        steps, jobs = job[HEAD : self.end].view(STEP), job[self.end :].view(JOB)
        steps["x"], steps["y"], steps["beside"] = (places[of] for of in self.of_steps)
        steps["job"] = job.ctypes.data + self.jobs
        jobs["x"], jobs["y"], jobs["added"] = (places[of] for of in self.of_jobs)
        tell(jobs, **{name: workspace.at(name, size) for name, size in self.memory.items()})
        on_torch_threads(run_steps, job, threads)


def _values(steps: list[Step]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the numbers of the values that steps read, write and add; -1 for none to add."""
    numbers = [(step.x, step.y, -1 if step.beside is None else step.beside) for step in steps]
    x, y, beside = np.array(numbers, np.int64).reshape(-1, 3).T
    return x, y, beside


def _winograd_plan(step: Step, images: int, threads: int) -> Plan:
    return Plan.of((images, *step.sizes.before), step.sizes.after[0], step.sizes.padding, threads)


def _parts(step: Step, plans: dict[int, Plan], images: int, threads: int) -> list[dict[str, int]]:
    """Return the fields of what a step is done in: one part, or two of Winograd's convolution."""
    if id(step) in plans:
        return [{"kind": WINOGRAD, "part": part, "items": items} for part, items in plans[id(step)].steps]
    return [cut(step.sizes, images, threads)]


def _describe(row: np.ndarray, step: Step, fields: dict[str, int]) -> None:
    tell(row, **fields)
    if isinstance(step.layer, StepLayer):
        layer = step.layer
        tell(row, weights=layer.weights.data_ptr(), bias=layer.bias.data_ptr())
        tell(row, formula=layer.formula.data_ptr(), weight_bytes=layer.weights.element_size())
    elif step.bias is not None:
        tell(row, bias=step.bias.data_ptr())
    if step.sizes.kind == MATRIX and step.beside is not None:
        tell(row, beside_apart=step.sizes.after[0])
