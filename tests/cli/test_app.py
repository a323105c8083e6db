"""The door: exit codes, one sentence for every error, nothing heavy before it is needed."""

import json
import subprocess
import sys
import warnings

import pytest

from sightline import __version__
from sightline.cli import app, folders, terminal
from sightline.cli.app import main
from sightline.core import errors


def test_help_lists_the_commands_and_loads_neither_torch_nor_numba():
    code = (
        "import sys; from sightline.cli.app import main; code = main(['--help']);"
        "print({'torch', 'numba', 'numpy'} & set(sys.modules)); sys.exit(code)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "set()"
    for name in ("train", "evaluate", "predict", "explain", "methods", "evidence", "reproduce", "demo", "warm"):
        assert f" {name} " in run.stdout


def test_module_runs_and_a_broken_pipe_is_quiet():
    command = f"{sys.executable} -m sightline completion bash"
    run = subprocess.run(f"{command} | head -c 1", shell=True, capture_output=True, text=True, timeout=60)
    assert run.stderr == ""
    assert len(run.stdout) == 1


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["evidenc"], "no command is named 'evidenc'. Did you mean 'evidence'?"),
        (["evidence", "--jso"], "Unknown option: --jso. Did you mean --json?"),
        (["train", "classify/resnet18"], "is missing"),
        (["train", "classify/mlp", "digits", "--epochs", "many"], 'unable to convert "many" into int'),
        (["train", "classify/mlp", "digits", "lr"], "settings must be key=value; got 'lr'"),
        (["methods", "imag"], "no field is named 'imag'. Did you mean 'image'?"),
        (["reproduce", "lenet"], "nothing is named 'lenet'"),
        (["explain", "run", "photo.png", "--method", "grad-cm"], "grad_cam"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(words, sentence, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    said = err.replace("\n", " ")
    assert sentence in said or sentence in said.replace('"', "")  # Cyclopts 4 puts options in quotation marks
    assert "Traceback" not in err


def raising(error):
    def run(*args):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (errors.DataError("open: no such set."), 1, "open: no such set."),
        (errors.InputError("blur: sigma must be > 0."), 2, "blur: sigma must be > 0."),
        (PermissionError(13, "Permission denied", "x.png"), 1, "Permission denied: 'x.png'."),
        (OSError(28, "No space left on device"), 1, "No space left on device."),
        (MemoryError(), 1, "Out of memory"),
        (KeyboardInterrupt("Stopped; go on with --resume."), 130, "Stopped; go on with --resume."),
        (RuntimeError("surprise"), 1, "Unexpected RuntimeError: surprise. Run again with --debug to see where."),
    ],
)
def test_errors_become_a_sentence_and_an_exit_code(error, code, sentence, monkeypatch, capsys):
    monkeypatch.setattr(app, "_run", raising(error))
    assert main(["evidence"]) == code
    assert capsys.readouterr().err.strip() == sentence or sentence == "Out of memory"


def test_an_interrupted_command_says_how_to_go_on(monkeypatch, capsys):
    monkeypatch.setattr("sightline.cli.evidence.ledger", raising(KeyboardInterrupt("Go on with --resume.")))
    assert main(["evidence"]) == 130
    assert capsys.readouterr().err == "Go on with --resume.\n"


def test_debug_shows_the_traceback(monkeypatch, capsys):
    monkeypatch.setattr(app, "_run", raising(RuntimeError("surprise")))
    assert main(["--debug", "evidence"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_no_color_is_honoured(monkeypatch, capsys):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["--help"]) == 0
    assert "\x1b[3" not in capsys.readouterr().out


def test_completion_names_the_commands(capsys):
    assert main(["completion", "bash"]) == 0
    assert "evaluate" in capsys.readouterr().out


def test_an_answer_is_one_json_document_with_plain_values(capsys):
    import numpy as np

    value = {"a": np.float32(0.5), "b": np.arange(2), "c": float("nan"), "d": (1, "x")}
    terminal.Answer(value, lambda console: None, as_json=True).write(sys.stdout)
    assert json.loads(capsys.readouterr().out) == {"a": 0.5, "b": [0, 1], "c": None, "d": [1, "x"]}


def test_folders_of_the_checkout_are_found():
    assert "run" in folders.file_names("bench")
    assert folders.folder_of("reproduce").is_dir()


def test_a_warning_is_one_sentence_without_code(capsys):
    with app._plain_warnings(), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("checkpoint 7 is damaged; the one before is used.", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "Warning: checkpoint 7 is damaged; the one before is used.\n"


def test_an_import_error_that_is_its_own_cause_is_told_once():
    from sightline.cli.app import _explain

    error = ModuleNotFoundError("No module named 'nowhere'", name="nowhere")
    error.__cause__ = error
    assert "nowhere" in _explain(error)[0]
