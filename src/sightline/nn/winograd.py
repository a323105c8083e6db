"""Winograd's convolution: 3×3 filters with a quarter of the multiplications, on the CPU.

Winograd 1980, "Arithmetic Complexity of Computations"; Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", CVPR (arXiv 1509.09308): Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A. Filters g are spread to 6×6 numbers once. Then each
tile d of 6×6 pixels is spread to 36 numbers as well, these are multiplied with the filters' and summed over channels:
36 products of matrices, tiles × channels by channels × filters. What comes of them is gathered to 4×4 answers: 36
multiplications where 4·4·9 = 144 would do it directly. Spread filters take four times the memory.

Two orders of the work give the same numbers. Where there are tiles enough, each thread spreads, multiplies and gathers
blocks of them, which lie in its second cache meanwhile. Where there are few, all are spread first; then each thread
takes groups of filters, so that each filter is read from memory once, which costs the most there.

Answers are summed in another order than directly, and over numbers that are larger than what comes of them. Against
float64 they are off by 1e-6 of their norm with 256 channels, a direct sum in float32 by 0.2 to 0.6e-6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.nn.matrix_panels import ROWS, WIDTH
from sightline.nn.torch_threads import on_torch_threads
from sightline.nn.winograd_tiles import ANSWERS, PRODUCTS, filter_matrix
from sightline.nn.winograd_work import APART, GATHER, JOB, NUMBERS, PLACE, PLACES, SPREAD, WHOLE, tell, work
from sightline.nn.workspace import workspace

MEMORY = "numbers", "places", "spread"  # kinds that work needs
CHANNELS = 16  # how many are read at once: channels and filters are multiples of it
_PANELS = 4  # of a block, at most
_LOWEST = {"none": -np.inf, "relu": 0.0}
_LEAST = {torch.float32: 8, torch.bfloat16: 40}  # tiles for which a layer's filters are worth reading; types of maps
_PLANS = 32  # sizes of maps that a layer keeps a plan for


def pays(size: Sequence[int], filters: int, padding: int = 1, dtype: torch.dtype = torch.float32) -> bool:
    """Return whether Winograd's way is faster than the direct one, by what was measured on a core with AVX-512.

    In bfloat16 that core multiplies twice as many numbers directly, and reads half of the bytes for a filter.

    Parameters
    ----------
    size
        Of the input: B×C×H×W.
    filters
        How many.
    padding
        Zeros at each border: 0 or 1.
    dtype
        Of maps.
    """
    images, channels, *sides = size
    answers = [side + 2 * padding - 2 for side in sides]
    if channels % CHANNELS or filters % CHANNELS or padding not in (0, 1) or min(answers) < 1:
        return False
    tiles = [-(-side // ANSWERS) for side in answers]
    used = answers[0] * answers[1] / (ANSWERS * ANSWERS * tiles[0] * tiles[1])
    return used >= 0.5 and images * tiles[0] * tiles[1] >= _LEAST[dtype]


_NEXT, _SEATS, _STEP, _ITEMS = (PLACE[name] for name in ("next", "seats", "step", "items"))


class WinogradConv(nn.Module):
    """A convolution with filters of 3×3 at stride 1, the sum with a shortcut and the activation; it has no gradient.

    Parameters
    ----------
    weight
        Out×in×3×3; out and in are multiples of 16.
    bias
        Out; none by default.
    padding
        Zeros at each border: 0 or 1, the default.
    activation
        ``none``, the default, or ``relu``.

    Raises
    ------
    InputError
        For another weight, bias, padding or activation.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, padding: int = 1, activation: str = "none") -> None:
        super().__init__()
        if weight.ndim != 4 or weight.shape[2:] != (3, 3) or weight.shape[0] % CHANNELS or weight.shape[1] % CHANNELS:
            given = "×".join(map(str, weight.shape))
            raise InputError(f"WinogradConv: weight must be out×in×3×3, out and in multiples of 16; got {given}.")
        if bias is not None and bias.shape != weight.shape[:1]:
            raise InputError(f"WinogradConv: bias must have {weight.shape[0]} numbers; got {tuple(bias.shape)}.")
        if padding not in (0, 1):
            raise InputError(f"WinogradConv: padding must be 0 or 1; got {padding!r}.")
        if activation not in _LOWEST:
            raise InputError(f"WinogradConv: activation must be 'none' or 'relu'; got {activation!r}.")
        self.filters, self.channels = weight.shape[:2]
        self.padding, self.activation = padding, activation
        # Plain attributes: a module's conversion to another type would leave numbers that the kernel cannot read.
        self.weights = _spread_filters(weight.detach())
        self._bias = torch.zeros(self.filters) if bias is None else bias.detach().to("cpu", torch.float32, copy=True)
        self._zeros = torch.zeros(max(self.channels, self.filters))
        self._plans: dict[tuple[int, ...], Plan] = {}

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Return B×out×H'×W', channels last.

        Parameters
        ----------
        x
            B×in×H×W float32 or bfloat16, in memory of the CPU, fastest with channels last; answers are of its type,
            rounded once. NaN and infinity make all answers of the tiles NaN that they are in.
        shortcut
            B×out×H'×W' of the same type, added before the activation; none by default.

        Raises
        ------
        InputError
            For other shapes or types, or where a gradient is asked for.
        """
        self._check(x)
        threads = torch.get_num_threads()
        key = (*x.shape, threads)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[key] = Plan.of(tuple(x.shape), self.filters, self.padding, threads)
        x = x.contiguous(memory_format=torch.channels_last)
        y = torch.empty(plan.shape, dtype=x.dtype, memory_format=torch.channels_last)
        if shortcut is not None:
            if shortcut.shape != y.shape or shortcut.dtype != x.dtype:
                given = f"{tuple(shortcut.shape)} {shortcut.dtype}"
                raise InputError(f"WinogradConv: shortcut must be {tuple(y.shape)} {x.dtype}; got {given}.")
            shortcut = shortcut.contiguous(memory_format=torch.channels_last)
        if y.numel():
            self._run(plan, x, y, shortcut, threads)
        return y

    def described(self) -> dict[str, float]:
        """Return the fields of a job that are this layer's own."""
        known: dict[str, float] = {"lowest": _LOWEST[self.activation], "filters": self.weights.data_ptr()}
        return known | {"bias": self._bias.data_ptr(), "zeros": self._zeros.data_ptr()}

    def _run(self, plan: Plan, x: Tensor, y: Tensor, shortcut: Tensor | None, threads: int) -> None:
        given = self.described() | {"x": x.data_ptr(), "y": y.data_ptr(), "bytes": x.element_size()}
        if shortcut is not None:
            given |= {"added": shortcut.data_ptr(), "adds": 1}
        plan.run(threads, **given)

    def _check(self, x: Tensor) -> None:
        least = 3 - 2 * self.padding
        if x.ndim != 4 or x.shape[1] != self.channels or min(x.shape[2:]) < least or x.dtype not in _LEAST:
            wanted = f"B×{self.channels}×H×W float32 or bfloat16, H and W at least {least}"
            raise InputError(f"WinogradConv: x must be {wanted}; got {tuple(x.shape)} {x.dtype}.")
        if x.device.type != "cpu":
            raise InputError(f"WinogradConv: x must be in memory of the CPU; got {x.device}. Use x.cpu().")
        if x.requires_grad and torch.is_grad_enabled():
            raise InputError("WinogradConv: x must not ask for a gradient, there is none; use torch.inference_mode().")


@dataclass(frozen=True)
class Plan:
    """How the work for an input of one size is cut.

    Parameters
    ----------
    shape
        Of the answers.
    job
        What the kernel is told, but for addresses.
    steps
        What is done one after the other, with the number of items.
    memory
        How many bytes of each kind of memory are needed.
    """

    shape: tuple[int, int, int, int]
    job: np.ndarray
    steps: tuple[tuple[int, int], ...]
    memory: dict[str, int]

    @classmethod
    def of(cls, size: tuple[int, ...], filters: int, padding: int, threads: int) -> Plan:
        """Return the plan for an input of a size B×C×H×W."""
        images, channels, high, wide = size
        answers_high, answers_wide = high + 2 * padding - 2, wide + 2 * padding - 2
        down, across = -(-answers_high // ANSWERS), -(-answers_wide // ANSWERS)
        tiles = max(1, images * down * across)
        # Enough for each thread to have some blocks, or more to read of tiles than of filters?
        whole = tiles >= filters or tiles >= threads * ROWS * _PANELS
        blocks = -(-tiles // (ROWS * _PANELS))
        if whole:
            blocks = min(-(-blocks // threads) * threads, tiles)  # as many for each
        block = -(-tiles // blocks)
        panels = -(-block // ROWS)
        rows = -(-block // panels)
        blocks = -(-tiles // (rows * panels))
        panel_size = PRODUCTS * (rows * channels + APART)
        numbers = filters + rows * panels * NUMBERS + (panels * panel_size if whole else 0)
        places = max(PRODUCTS, rows * panels * PLACES)
        memory = {"numbers": 4 * threads * numbers, "places": 8 * threads * places}
        steps: tuple[tuple[int, int], ...] = ((WHOLE, blocks),)
        if not whole:
            memory["spread"] = 4 * blocks * panels * panel_size
            steps = (SPREAD, -(-tiles // rows)), (GATHER, blocks * -(-filters // WIDTH))
        job = tell(np.zeros(1, JOB), bytes=4, high=high, wide=wide, channels=channels, padding=padding)
        tell(job, answers_high=answers_high, answers_wide=answers_wide, answers=filters, down=down, across=across)
        tell(job, tiles=tiles, rows=rows, panels=panels, numbers_each=numbers, places_each=places)
        return cls((images, filters, answers_high, answers_wide), job, steps, memory)

    def run(self, threads: int, **given: float) -> None:
        """Do the work; ``given`` are the fields of a job that a plan does not know."""
        numbers = self.job.view(np.int64).copy()  # records take ten times as long to copy, and four times to set
        for name, size in self.memory.items():
            numbers[PLACE[name]] = workspace.at(name, size)
        numbers.view(np.float64)[PLACE["lowest"]] = given.pop("lowest")
        for name, value in given.items():
            numbers[PLACE[name]] = value
        for step, items in self.steps:
            numbers[_NEXT], numbers[_SEATS], numbers[_STEP], numbers[_ITEMS] = 0, 0, step, items
            on_torch_threads(work, numbers, min(threads, items))


def _spread_filters(weight: Tensor) -> Tensor:
    """Return G g Gᵀ of all filters: groups × 36 × channels × WIDTH, flat; the last group is filled up with zeros."""
    filters, channels = weight.shape[:2]
    matrix = torch.tensor([[float(number) for number in row] for row in filter_matrix()], dtype=torch.float64)
    spread = (matrix @ weight.to("cpu", torch.float64) @ matrix.T).float()
    groups = -(-filters // WIDTH)
    full = torch.zeros(groups * WIDTH, channels, PRODUCTS)
    full[:filters] = spread.reshape(filters, channels, PRODUCTS)
    return full.reshape(groups, WIDTH, channels, PRODUCTS).permute(0, 3, 2, 1).reshape(-1)
