"""A command that the lab runs beside itself: its state, and the tail of what it says."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from pathlib import Path

_LINES = 400  # of the log that are kept
_STOP_SECONDS = 10.0


class Process:
    """A process and the tail of what it says.

    Parameters
    ----------
    command
        Its words.
    root
        Folder that it runs in.
    """

    def __init__(self, command: list[str], root: Path) -> None:
        self.lines: deque[str] = deque(maxlen=_LINES)
        self.stopping = False
        self.process = subprocess.Popen(
            command,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the lab's terminal is for the lab, which stops it itself
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
        )
        _unbound(self.process.pid)
        self._reader = threading.Thread(target=self._read, name="sightline-process", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        stream = self.process.stdout
        if stream is not None:
            for line in stream:
                self.lines.append(line.decode("utf-8", "replace").rstrip())
            stream.close()

    @property
    def code(self) -> int | None:
        """Exit code, None while it runs."""
        return self.process.poll()

    def stop(self) -> None:
        """Ask it to save and end."""
        self.stopping = True
        if self.code is None:
            self.process.terminate()

    def finish(self) -> None:
        """Wait until it has ended; kill it when it does not."""
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(1.0)


def _unbound(pid: int) -> None:
    """Lift the lab's own bound on memory for it."""
    try:
        import resource
    except ImportError:
        return
    if hasattr(resource, "prlimit"):
        try:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            resource.prlimit(pid, resource.RLIMIT_DATA, (hard, hard))
        except (OSError, ValueError):
            return
