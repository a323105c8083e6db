"""A save that fails at any call leaves the checkpoint before it whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from sightline.core.files import HashingFile
from sightline.train.checkpoint import Checkpoints, Snapshot


def _snapshot(step: int) -> Snapshot:
    return Snapshot(step, {"w": torch.full((3,), float(step))}, {"m": torch.full((2,), -float(step))}, {"epoch": step})


def _step(folder: Path) -> int:
    snapshot = Checkpoints(folder).load()
    assert snapshot is not None
    assert snapshot.weights["w"].tolist() == [snapshot.step] * 3
    assert snapshot.tensors["m"].tolist() == [-snapshot.step] * 2
    return snapshot.step


def test_two_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c")
    for step in range(5):
        checkpoints.save(_snapshot(step), {}, best=step == 1)
    names = sorted(path.name for path in (tmp_path / "c").iterdir())
    assert names == [
        "best.safetensors",
        "last.safetensors",
        "step-00000003.safetensors",
        "step-00000003.state.safetensors",
        "step-00000004.safetensors",
        "step-00000004.state.safetensors",
    ]
    assert _step(tmp_path / "c") == 4


def _fail_at(monkeypatch: pytest.MonkeyPatch, count: int) -> list[int]:
    """Let the n-th call that touches the disk fail as a full disk does."""
    left = [count]

    def failing(plain):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return plain(*args, **kwargs)

        return call

    for name in ("fsync", "replace", "link", "open", "chmod"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    monkeypatch.setattr(HashingFile, "write", failing(HashingFile.write))
    return left


def test_error_at_the_nth_call_for_every_n(tmp_path):
    failed = 0
    for count in range(1, 200):
        folder = tmp_path / str(count)
        checkpoints = Checkpoints(folder)
        checkpoints.save(_snapshot(1), {}, best=True)
        checkpoints.save(_snapshot(2), {}, best=False)
        with pytest.MonkeyPatch.context() as patch:
            left = _fail_at(patch, count)
            try:
                checkpoints.save(_snapshot(3), {}, best=True)
            except OSError as error:
                failed += 1
                assert "pace" in str(error) or "full" in str(error)
        if left[0] > 0:
            break
        assert _step(folder) in (2, 3)
        assert not list(folder.glob(".*.part"))
        Checkpoints(folder).save(_snapshot(4), {}, best=True)
        assert _step(folder) == 4
    assert failed > 10
    assert left[0] > 0


def test_damaged_checkpoint_is_never_the_one_that_is_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c")
    for step in (1, 2, 3):
        checkpoints.save(_snapshot(step), {}, best=False)
    (tmp_path / "c/step-00000003.state.safetensors").write_bytes(b"")
    again = Checkpoints(tmp_path / "c")
    with pytest.warns(UserWarning, match="The checkpoint of step 2 is used instead"):
        assert again.load().step == 2
    again.save(_snapshot(4), {}, best=False)
    (tmp_path / "c/step-00000004.state.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match="The checkpoint of step 2 is used instead"):
        assert Checkpoints(tmp_path / "c").load().step == 2


def test_file_systems_without_links(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    checkpoints = Checkpoints(tmp_path / "c")
    checkpoints.save(_snapshot(1), {}, best=True)
    assert (tmp_path / "c/last.safetensors").read_bytes() == (tmp_path / "c/best.safetensors").read_bytes()
    assert _step(tmp_path / "c") == 1
