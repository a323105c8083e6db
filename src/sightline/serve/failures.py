"""What went wrong, as a status and one sentence: ``{"error": {"kind", "message", "argument"}}``."""

from __future__ import annotations

import errno
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sightline.core.errors import (
    DataError,
    DiskError,
    FormatError,
    InputError,
    MissingExtraError,
    MissingFileError,
    SightlineError,
    WeightsError,
)

if TYPE_CHECKING:
    from fastapi import FastAPI

RETRY_SECONDS = 1


class RequestError(SightlineError, HTTPException):
    """A request that cannot be answered.

    Parameters
    ----------
    status
        HTTP status.
    message
        One sentence for a person.
    """

    def __init__(self, status: int, message: str) -> None:
        HTTPException.__init__(self, status, message)

    def __str__(self) -> str:
        return self.detail


class BusyError(RequestError):
    """More is asked for than can wait; try again soon."""

    def __init__(self, message: str = "All workers are busy and the queue is full. Try again in a second.") -> None:
        super().__init__(503, message)


class TooLargeError(RequestError):
    """More bytes or pixels than are taken."""

    def __init__(self, message: str) -> None:
        super().__init__(413, message)


class SlowError(RequestError):
    """Work that was given up because it took too long."""

    def __init__(self, message: str) -> None:
        super().__init__(422, message)


_DISK = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES)
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (InputError, 422),
    (FormatError, 415),
    (MissingFileError, 404),
    (MissingExtraError, 501),
    (WeightsError, 422),
    (DataError, 422),
    (DiskError, 507),
)


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error: 500 for what nobody meant to raise."""
    if isinstance(error, RequestError):
        return error.status_code
    if isinstance(error, MemoryError):
        return 413
    if isinstance(error, OSError) and error.errno in _DISK:
        return 507
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def told(error: Exception) -> dict[str, Any]:
    """Return what to say of an error: its kind, its sentence, and the argument that the sentence names."""
    if isinstance(error, SightlineError):
        message = str(error)
    elif isinstance(error, MemoryError):
        message = "It needs more memory than there is. Ask for less: a smaller picture, a smaller size."
    elif isinstance(error, OSError) and error.errno in _DISK:
        message = f"{error.strerror}: nothing can be written here. Free some space, or choose another root."
    else:
        message = f"Unexpected {type(error).__name__}: {error}"
    row: dict[str, Any] = {"kind": type(error).__name__, "message": message}
    named = re.match(r"\w+: (\w+)(?:\[\d\])? must ", message) or re.search(r"no parameter '(\w+)'", message)
    if named:
        row["argument"] = named.group(1)
    return {"error": row}


def answer(error: Exception) -> JSONResponse:
    """Return the response that tells an error."""
    status = status_of(error)
    headers = {"Retry-After": str(RETRY_SECONDS)} if status in (429, 503) else None
    return JSONResponse(told(error), status, headers)


def plain_failure(status: int, message: str) -> dict[str, Any]:
    """Return what to say where no error was raised: an unknown address, a request of the wrong form."""
    return {"error": {"kind": _KINDS.get(status, "RequestError"), "message": message}}


_KINDS = {404: "NotFound", 405: "MethodNotAllowed", 413: "TooLargeError", 503: "BusyError"}


async def _ours(_: Request, error: Exception) -> JSONResponse:
    return answer(error)


async def _http(_: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 500)
    return JSONResponse(plain_failure(status, str(getattr(error, "detail", ""))), status)


HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
    SightlineError: _ours,
    MemoryError: _ours,
    OSError: _ours,
    Exception: _ours,
    HTTPException: _http,
}


def install(app: FastAPI) -> None:
    """Make every error of an application one of these sentences."""
    from fastapi.exceptions import RequestValidationError

    async def form(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse(plain_failure(422, _first_problem(error)), 422)

    for kind, handler in {**HANDLERS, RequestValidationError: form}.items():
        app.add_exception_handler(kind, handler)


def _first_problem(error: Any) -> str:
    problems = error.errors()
    if not problems:
        return "The request has another form than expected."
    first = problems[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path")) or "the request"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{place}: {first['msg']}{more}."
