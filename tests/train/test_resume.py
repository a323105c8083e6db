"""A stopped, killed or damaged training goes on to the very same weights."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
import torch

from sightline.core.errors import DiskError, InputError, WeightsError
from sightline.core.files import HashingFile
from sightline.train.engine import Engine
from sightline.train.run import Run
from sightline.train.train import Interrupted, train

KILLS = 50
LONG = {"epochs": 4, "count": 40, "save_every": 0.4, "ema": 0.9}  # 20 steps, a checkpoint every second one
FULL = {"out": None, "progress": False, "report": False, "device": "cpu"}


_PLAIN = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}  # environment of a fresh interpreter
_TOYS = """
import sys
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from train import toy
toy.install()
from sightline.train.train import train
"""


def _script(folder: Path, work: str) -> str:
    """Write a program that knows the toy recipes and does ``work``; return its path."""
    script = folder / "go.py"
    script.write_text(_TOYS.format(tests=str(Path(__file__).parent.parent)) + work)
    return str(script)


def _in_child(work) -> int:
    """Run ``work`` in a forked child; return its process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()  # nobody else sees what a child raises
        finally:
            os._exit(code)
    return child


def _killed_after(monkeypatch, steps: int, number: int = signal.SIGINT) -> None:
    """Send this process a signal after some steps."""
    plain, taken = Engine._step, []

    def step(self, batches):
        plain(self, batches)
        taken.append(1)
        if len(taken) == steps:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Engine, "_step", step)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "settings",
    [{}, {"ema": 0.9, "accumulate": 2, "clip": 0.1}, {"optimizer": "nesterov"}, {"optimizer": "muon"}],
)
def test_interrupt_saves_and_resumes_bit_for_bit(fit, digest, monkeypatch, number, settings):
    whole = fit("whole", **settings)
    with monkeypatch.context() as patch:
        _killed_after(patch, 4, number)
        with pytest.raises(
            Interrupted, match=r"stopped in epoch \d of 3 .* sightline train toy/mlp points --out .* --resume"
        ):
            fit("cut", **settings)
    resumed = fit("cut", resume=True)
    assert digest(resumed) == digest(whole)
    plain = [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in resumed.metrics]
    assert plain == [
        {k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in whole.metrics
    ]


def test_interrupt_while_measuring(fit, digest, monkeypatch):
    from train.toy import ToyRecipe

    whole, plain = fit("whole"), ToyRecipe.measure

    def measure(self, model, batches):
        os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, model, batches)

    with monkeypatch.context() as patch:
        patch.setattr(ToyRecipe, "measure", measure)
        with pytest.raises(Interrupted):
            fit("cut")
    assert digest(fit("cut", resume=True)) == digest(whole)


def test_gan_resumes(fit, digest, monkeypatch):
    whole = fit("whole", recipe="toy/gan")
    _killed_after(monkeypatch, 7)
    with pytest.raises(Interrupted):
        fit("cut", recipe="toy/gan")
    monkeypatch.undo()
    assert digest(fit("cut", recipe="toy/gan", resume=True)) == digest(whole)


def test_finished_run_stays_as_it_is(fit, digest):
    before = digest(fit())
    again = fit(resume=True)
    assert digest(again) == before
    assert len(again.metrics) == 3


def test_resume_without_a_run_starts(fit):
    assert len(fit(resume=True).metrics) == 3


@pytest.mark.slow
def test_kill_at_any_moment(fit, digest, tmp_path):
    """Kill −9 at 50 moments, half of them aimed at the save: the weights in the end are the same, none is corrupt."""
    fit("warm", epochs=1)  # torch imports a good deal for its first step, which the children then need not
    started = time.monotonic()
    whole = digest(fit("whole", **LONG))
    span = time.monotonic() - started
    chance = random.Random(3)
    folder, kills = tmp_path / "killed", 0

    def work() -> None:
        train("toy/mlp", "points", **{**FULL, **LONG, "out": folder}, resume=True)

    moment = 0
    while kills < KILLS and moment < 5 * KILLS:
        moment += 1
        child = _in_child(lambda moment=moment: (_aim_at_save(moment) if moment % 2 else None, work()))
        if moment % 2 == 0:
            time.sleep(chance.uniform(0, 0.7 * span))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):  # it ran to its end: that one must be right, then begin again
            assert os.waitstatus_to_exitcode(status) == 0
            assert digest(Run(folder)) == whole
            shutil.rmtree(folder)
    assert kills == KILLS
    assert digest(fit("killed", resume=True, **LONG)) == whole


def _aim_at_save(moment: int) -> None:
    """Kill this process inside a save: before the n-th sync, rename or link of a file."""
    left = [1 + moment * 7 % 23]
    for name in ("fsync", "replace", "link"):
        plain = getattr(os, name)

        def aimed(*args, plain=plain, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(*args, **kwargs)

        setattr(os, name, aimed)


def _newest(run: Run) -> Path:
    return max(run.folder.glob("checkpoints/step-*.state.safetensors"))


def _cut(path: Path) -> None:
    with open(path, "r+b") as stream:
        stream.truncate(path.stat().st_size // 2)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    with open(path, "r+b") as stream:
        stream.write(data)


def _empty(path: Path) -> None:
    with open(path, "r+b") as stream:
        stream.truncate(0)


@pytest.mark.parametrize("harm", [_cut, _flip, _empty])
@pytest.mark.parametrize("victim", ["last", "state", "weights"])
def test_damaged_newest_checkpoint_falls_back(fit, digest, harm, victim):
    run = fit()
    before = digest(run)
    state = _newest(run)
    harm({"last": run.folder / "checkpoints/last.safetensors", "state": state,
          "weights": state.with_name(state.name.replace(".state", ""))}[victim])  # fmt: skip
    with pytest.warns(
        UserWarning, match=r"resume: load: '.*safetensors' .* The checkpoint of step \d+ is used instead"
    ):
        resumed = fit(resume=True)
    assert digest(resumed) == before
    assert len(resumed.metrics) == 3


def test_last_replaced_by_another_file_is_restored(fit, digest):
    run = fit()
    before, last = digest(run), run.folder / "checkpoints/last.safetensors"
    last.unlink()
    last.write_bytes(b"rubbish")
    with pytest.warns(UserWarning, match="used instead"):
        fit(resume=True)
    assert digest(run) == before


def test_no_whole_checkpoint_left(fit):
    run = fit()
    for path in run.folder.glob("checkpoints/step-*"):
        _empty(path)
    with pytest.raises(WeightsError, match="no whole checkpoint is left"):
        fit(resume=True)


def test_other_settings_are_refused(fit):
    fit(epochs=2)
    with pytest.raises(InputError, match=r"resume: learning_rate was 0.01 when the run began; got 0.5"):
        fit(resume=True, learning_rate=0.5)
    with pytest.raises(InputError, match="is a run of toy/mlp, not of toy/wide"):
        fit(resume=True, recipe="toy/wide")
    fit(resume=True, epochs=2, workers=0)


def test_thread_count_is_kept_and_a_change_is_said(fit, monkeypatch, digest):
    whole = fit("whole")
    _killed_after(monkeypatch, 4)
    with pytest.raises(Interrupted):
        fit("cut")
    monkeypatch.undo()
    torch.set_num_threads(2)
    assert digest(fit("cut", resume=True)) == digest(whole)
    assert torch.get_num_threads() == 2
    with pytest.warns(UserWarning, match=r"threads \(1 then, 2 now\)"):
        fit("cut", resume=True, threads=2)


_ENDLESS = """
from sightline.train.engine import Engine
plain = Engine._step

def step(self, batches):
    plain(self, batches)
    print("training", flush=True)

Engine._step = step
train("toy/mlp", "points", out={folder!r}, progress=False, report=False, device="cpu", epochs=100_000, save_every=1e4)
"""


def test_second_trainer_is_refused(fit, tmp_path):
    # A fresh interpreter: what is forked while other threads run may wait for ever for a lock that one of them held.
    command = [sys.executable, _script(tmp_path, _ENDLESS.format(folder=str(tmp_path / "run")))]
    with subprocess.Popen(command, env={**os.environ, **_PLAIN}, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "training\n"  # empty where it ended; it says on stderr why
            with pytest.raises(InputError, match="another training uses the folder"):
                fit(resume=True)
            assert other.poll() is None
        finally:
            other.kill()


def test_full_disk_is_said_and_the_run_goes_on_later(fit, digest, monkeypatch):
    whole, plain = digest(fit("whole")), HashingFile.write
    for count in (3, 30, 45, 60, 75):
        left = [count]

        def write(self, data, left=left):
            left[0] -= 1
            if left[0] == 0:
                plain(self, bytes(data)[: len(data) // 2])
                raise DiskError("write: the disk is full.")
            return plain(self, data)

        with monkeypatch.context() as patch:
            patch.setattr(HashingFile, "write", write)
            with pytest.raises(OSError, match="the disk is full"):
                fit(f"full-{count}")
        assert digest(fit(f"full-{count}", resume=True)) == whole


def _check_two(folder: Path, fit) -> None:
    run, alone = Run(folder / "mlp"), fit("alone", dropout=0.0, accumulate=2, epochs=2)
    assert len(run.metrics) == len(Run(folder / "gan").metrics) == 2
    assert run.environment["processes"] == 2
    theirs = run.predictor.model.state_dict()
    for name, value in alone.predictor.model.state_dict().items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-4, atol=1e-5)
    assert alone.metrics[-1]["train_loss"] == pytest.approx(run.metrics[-1]["train_loss"], rel=1e-4)


_TWO = """
def work():
    for recipe in ("mlp", "gan"):
        train("toy/" + recipe, "points", out={folder!r} + "/" + recipe, progress=False, report=False, device="cpu",
              dropout=0.0, accumulate=2, epochs=2)

work()
"""


def _run_together(commands: list[list[str]], environments: list[dict[str, str]]) -> None:
    """Run commands at the same time; when one fails or takes too long, none is left running."""
    common = {**os.environ, **_PLAIN}
    running = [
        subprocess.Popen(command, env={**common, **own}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for command, own in zip(commands, environments, strict=True)
    ]
    try:
        for process in running:
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
    finally:
        for process in running:
            process.kill()
            process.communicate()


@pytest.mark.slow
def test_two_processes(tmp_path, fit):
    """Two processes: one writes, both learn; the weights are those of one process but for rounding."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, _script(tmp_path, _TWO.format(folder=str(tmp_path)))]
    _run_together([command, command], [{**place, "RANK": str(rank)} for rank in (0, 1)])
    _check_two(tmp_path, fit)


@pytest.mark.slow
def test_two_processes_by_torchrun(tmp_path, fit):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    _run_together([[*torchrun, _script(tmp_path, _TWO.format(folder=str(tmp_path)))]], [{}])
    _check_two(tmp_path, fit)
