"""The order of samples depends on the seed and the epoch alone."""

from __future__ import annotations

import functools
import operator

import torch

from sightline.train.batches import Batches, InOrder, Order
from sightline.train.processes import Group
from train.toy import Points


def _keys(order: Order, epoch: int = 0, start: int = 0) -> list[list[int]]:
    order.epoch, order.start = epoch, start
    return [[index for _, index in batch] for batch in order]


def test_every_sample_is_seen_and_batches_are_equal():
    batches = _keys(Order(10, 4, 0, Group()))
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert set(functools.reduce(operator.iadd, batches, [])) == set(range(10))


def test_epochs_and_seeds_differ():
    order = Order(50, 50, 0, Group())
    assert _keys(order, 0) == _keys(order, 0) != _keys(order, 1)
    assert _keys(Order(50, 50, 1, Group())) != _keys(order, 0)


def test_any_position_continues_the_epoch():
    order = Order(37, 5, 0, Group())
    assert _keys(order, 2, 3) == _keys(order, 2)[3:]
    assert len(order) == len(_keys(order, 2))


def test_processes_share_each_batch():
    whole = _keys(Order(37, 6, 0, Group()))
    parts = [_keys(Order(37, 6, 0, Group(rank, 3))) for rank in range(3)]
    assert [functools.reduce(operator.iadd, batch, []) for batch in zip(*parts, strict=True)] == whole


def test_fewer_samples_than_a_batch_or_than_processes():
    assert len(_keys(Order(3, 64, 0, Group()))[0]) == 3
    assert [len(_keys(Order(1, 64, 0, Group(rank, 2)))[0]) for rank in (0, 1)] == [1, 1]


def test_in_order_keeps_every_sample_once():
    assert [index for batch in InOrder(10, 4) for _, index in batch] == list(range(10))


def test_batches_lie_as_convolutions_want_them():
    class Images(Points):
        def sample(self, index, epoch):
            return {"image": torch.zeros(3, 4, 4), "name": str(index), "more": [torch.zeros(1)]}

    batches = Batches(
        Images(4, 0, 0.0), InOrder(4, 2), torch.utils.data.default_collate, device=torch.device("cpu"),
        channels_last=True,
    )  # fmt: skip
    first = batches.peek()
    assert first["image"].is_contiguous(memory_format=torch.channels_last)
    assert first["name"] == ["0", "1"]
