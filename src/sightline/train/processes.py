"""Several processes, one training: ``torchrun`` starts them, this joins them; alone, everything is a no-op."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes that train together.

    Parameters
    ----------
    rank
        This process, 0 to ``size - 1``; process 0 writes and shows.
    size
        Number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and shows."""
        return self.rank == 0

    def share(self, value: T) -> T:
        """Return process 0's ``value`` in every process."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values


def join(device: str) -> Group:
    """Join the processes that ``torchrun`` started (``RANK`` and ``WORLD_SIZE`` in the environment) for good.

    The group lasts as long as the process: one that leaves and joins again can meet the others' old connections, and
    both would wait for ever.

    Parameters
    ----------
    device
        Kind of device that holds the model: gloo connects CPUs, nccl GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Group()
    if not dist.is_initialized():
        # Long enough for the others to wait while process 0 measures on the validation samples.
        dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=timedelta(hours=2))
        atexit.register(dist.destroy_process_group)
    return Group(dist.get_rank(), dist.get_world_size())


def pick_device(wanted: str) -> torch.device:
    """Return the device for a setting: ``auto`` takes the GPU of this process where there is one."""
    local = os.environ.get("LOCAL_RANK", "")
    if wanted in ("auto", "cuda") and torch.cuda.is_available():
        return torch.device(f"cuda:{local or 0}")
    if wanted == "auto":
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    return torch.device(wanted)
