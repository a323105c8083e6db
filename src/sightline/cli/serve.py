"""``sightline serve``: one trained model over HTTP."""

from __future__ import annotations

import secrets
from pathlib import Path

from sightline.cli.terminal import talk
from sightline.core.errors import MissingFileError, require


def serve(run: Path, /, *, port: int = 8700, host: str = "127.0.0.1") -> int:
    """Serve one trained model: POST /predict takes pictures, GET /healthz and /metrics tell how it is.

    Parameters
    ----------
    run
        Folder of a run, for example runs/digits-1.
    port
        Port to listen on; 0 takes a free one.
    host
        Address to listen on. Any other than this machine's own needs the token that is printed.
    """
    for module in ("fastapi", "uvicorn", "torch"):
        require(module)
    from sightline.serve.app import Service, make_app
    from sightline.serve.server import bind, is_loopback, run_server
    from sightline.train.folder import is_run

    if not is_run(run):
        raise MissingFileError(f"serve: '{run}' is not a run: it has no config.toml.")
    token = None if is_loopback(host) else secrets.token_urlsafe(16)
    listening = bind(host, port)
    service = Service(run)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"

    def ready() -> None:
        hint = f"  (Authorization: Bearer {token})" if token else ""
        talk().print(f"{run.name} answers at {address}/predict{hint}", markup=False, soft_wrap=True)
        talk().print(f"  curl -F file=@photo.jpg {address}/predict", markup=False, soft_wrap=True)

    return run_server(make_app(service, token=token), listening, closing=service.close, ready=ready)
