"""What a server tells of itself at ``/metrics``, in the text form that Prometheus reads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from sightline.serve.guard import Receive, Scope, Send

_BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Meter:
    """An ASGI application that counts what goes through it.

    Parameters
    ----------
    app
        The application behind it.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.requests: Counter[tuple[str, int]] = Counter()
        self.buckets: Counter[float] = Counter()
        self.seconds, self.count, self.open = 0.0, 0, 0
        self.gauges: dict[str, Callable[[], float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note its status and time."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.open += 1
        try:
            await self.app(scope, receive, sending)
        finally:
            self.open -= 1
            self._note(scope.get("method", ""), status, time.perf_counter() - start)

    def _note(self, method: str, status: int, seconds: float) -> None:
        self.requests[method if method in ("GET", "POST", "HEAD") else "OTHER", status] += 1
        self.seconds += seconds
        self.count += 1
        for bound in _BOUNDS:
            self.buckets[bound] += seconds <= bound

    def text(self) -> str:
        """Return the figures."""
        lines = ["# HELP sightline_requests_total Requests answered.", "# TYPE sightline_requests_total counter"]
        lines += [
            f'sightline_requests_total{{method="{method}",status="{status}"}} {count}'
            for (method, status), count in sorted(self.requests.items())
        ]
        lines += ["# HELP sightline_seconds Seconds to an answer.", "# TYPE sightline_seconds histogram"]
        lines += [f'sightline_seconds_bucket{{le="{bound:g}"}} {self.buckets[bound]}' for bound in _BOUNDS]
        lines += [
            f'sightline_seconds_bucket{{le="+Inf"}} {self.count}',
            f"sightline_seconds_sum {self.seconds:.6f}",
            f"sightline_seconds_count {self.count}",
        ]
        for name, read in {"open": lambda: self.open, **self.gauges}.items():
            lines += [f"# TYPE sightline_{name} gauge", f"sightline_{name} {read():g}"]
        return "\n".join(lines) + "\n"


def milliseconds_since(start: float) -> float:
    """Return the milliseconds since ``start`` of the performance counter."""
    return round(1000 * (time.perf_counter() - start), 3)
