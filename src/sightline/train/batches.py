"""Batches in an order that depends on the seed and the epoch alone, from any position, by any number of workers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sightline.core.seeds import generator
from sightline.train.processes import Group
from sightline.train.recipe import Batch, Samples


class Order:
    """Which samples each batch of an epoch holds, for one of several processes.

    An epoch holds every sample. All batches are of one size: the last one is filled up from the epoch's beginning, so
    that no sample is left out, no normalisation sees a batch of one, and each process has an equal share.

    Parameters
    ----------
    samples
        Number of samples.
    batch_size
        Samples of a batch over all processes; lowered to ``samples`` where there are fewer.
    seed
        Seed of the order; None keeps the samples in their own.
    group
        The processes that share each batch.
    """

    def __init__(self, samples: int, batch_size: int, seed: int | None, group: Group) -> None:
        self.samples, self.seed, self.group = samples, seed, group
        self.share = max(1, min(batch_size, samples) // group.size)
        self.count = -(-samples // (self.share * group.size))
        self.epoch, self.start = 0, 0

    def __len__(self) -> int:
        return self.count - self.start

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = list(range(self.samples))
        if self.seed is not None:
            order = generator(self.seed, self.epoch).permutation(self.samples).tolist()
        size = self.share * self.group.size
        for batch in range(self.start, self.count):
            first = batch * size + self.group.rank * self.share
            yield [(self.epoch, order[i % self.samples]) for i in range(first, first + self.share)]


class InOrder:
    """Every sample once, in its own order, as validation wants them; the last batch may be small.

    Parameters
    ----------
    samples
        Number of samples.
    batch_size
        Samples of a batch.
    """

    def __init__(self, samples: int, batch_size: int) -> None:
        self.samples, self.batch_size = samples, batch_size

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for first in range(0, self.samples, self.batch_size):
            yield [(0, i) for i in range(first, min(first + self.batch_size, self.samples))]


class _Indexed(Dataset[dict[str, Any]]):
    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __getitem__(self, index: tuple[int, int]) -> dict[str, Any]:
        epoch, number = index
        return self.samples.sample(number, epoch)


def _start_worker(_: int) -> None:
    # Ctrl-C goes to the whole process group; the training decides what happens, workers go on until it ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Batches:
    """Collated batches on a device.

    Parameters
    ----------
    samples
        Where they come from.
    order
        :class:`Order` or :class:`InOrder`.
    collate
        The recipe's ``collate``.
    workers
        Processes that prepare samples; 0 prepares them here.
    device
        Where tensors are moved to.
    channels_last
        Lay four-dimensional tensors out as the convolutions want them.
    """

    def __init__(
        self,
        samples: Samples,
        order: Order | InOrder,
        collate: Callable[[list[dict[str, Any]]], Batch],
        *,
        workers: int = 0,
        device: torch.device,
        channels_last: bool = False,
    ) -> None:
        self.order, self.device, self.channels_last = order, device, channels_last
        self.loader = DataLoader(
            _Indexed(samples),
            batch_sampler=order,  # pyrefly: ignore
            collate_fn=collate,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=_start_worker,
            pin_memory=device.type == "cuda",
            generator=torch.Generator(),  # or the loader would draw from the global one
        )

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        return (self._place(batch) for batch in self.loader)

    def epoch(self, epoch: int, start: int) -> Iterator[Batch]:
        """Yield the batches of one epoch from number ``start`` on."""
        if isinstance(self.order, Order):
            self.order.epoch, self.order.start = epoch, start
        return iter(self)

    def peek(self) -> Batch:
        """Return a first batch, made here and now, for a rehearsal."""
        keys = next(iter(self.order))
        return self._place(self.loader.collate_fn([self.loader.dataset[key] for key in keys]))

    def _place(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            layout = torch.channels_last if self.channels_last and value.ndim == 4 else torch.preserve_format
            return value.to(self.device, non_blocking=True, memory_format=layout)
        if isinstance(value, dict):
            return {key: self._place(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._place(item) for item in value)
        return value
