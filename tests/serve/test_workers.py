"""Workers: bounded in number, in waiting and in time."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from sightline.serve.failures import BusyError, SlowError
from sightline.serve.workers import Stop, Workers


def test_results_and_errors_come_back() -> None:
    async def main() -> None:
        workers = Workers(1)
        assert await workers.run(lambda _, a, b: a + b, 2, 3) == 5
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda _: 1 / 0)
        workers.close()

    asyncio.run(main())


def test_what_does_not_fit_is_refused_at_once_and_nothing_is_lost() -> None:
    async def main() -> None:
        workers, go = Workers(2, waiting=3), threading.Event()
        tasks = [asyncio.create_task(workers.run(lambda _, n=n: (go.wait(20), n)[1])) for n in range(50)]
        await asyncio.sleep(0.1)
        refused = [task for task in tasks if task.done()]
        assert len(refused) == 45
        assert all(isinstance(task.exception(), BusyError) for task in refused)
        go.set()
        assert sorted([await task for task in tasks if task not in refused]) == [0, 1, 2, 3, 4]
        await asyncio.sleep(0.05)
        assert workers.busy == 0
        workers.close()

    asyncio.run(main())


def test_work_that_takes_too_long_stops_at_its_next_step() -> None:
    ended: list[str] = []

    def slow(stop: Stop) -> None:
        try:
            for _ in range(1000):
                time.sleep(0.01)
                stop()
        finally:
            ended.append("stopped")

    async def main() -> None:
        workers = Workers(1, seconds=0.1)
        with pytest.raises(SlowError, match=r"more than 0\.1 seconds"):
            await workers.run(slow)
        workers.close()

    asyncio.run(main())
    assert ended == ["stopped"]


def test_work_that_never_looks_up_is_answered_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.serve.workers._TICK", 0.02)
    go = threading.Event()

    async def main() -> None:
        workers = Workers(1, seconds=0.05)
        with pytest.raises(SlowError):
            await workers.run(lambda _: go.wait(20))
        assert workers.busy == 1  # its thread still works
        go.set()
        await asyncio.sleep(0.1)
        assert workers.busy == 0
        workers.close()

    asyncio.run(main())


def test_who_goes_away_is_not_worked_for() -> None:
    done: list[Any] = []
    go = threading.Event()

    async def main() -> None:
        workers = Workers(1)
        first = asyncio.create_task(workers.run(lambda _: go.wait(20)))
        second = asyncio.create_task(workers.run(lambda _: done.append("second")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        go.set()
        await first
        await asyncio.sleep(0.05)
        assert workers.busy == 0
        workers.close()

    asyncio.run(main())
    assert done == []
