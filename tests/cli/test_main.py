"""The command `imfuse` itself: what it imports, how it fails, how it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import imfuse.cli.models
from imfuse import __version__
from imfuse.cli import COMMANDS, main

HEAVY = ("torch", "onnxruntime", "cv2", "rich", "numpy")


def test_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.split() == ["imfuse", __version__]


def test_help_names_every_subcommand(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("name", ["fuse", "video", "models", "demo", "export"])
def test_every_subcommand_explains_itself(name, capsys):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"imfuse [options] {name}" in text
    assert "null" not in text


@pytest.mark.parametrize("words", [[], ["fuse"], ["video"], ["models"], ["demo"]])
def test_help_imports_nothing_heavy(python, words):
    code = f"""
import sys
from imfuse.cli import main
assert main({[*words, "--help"]}) == 0
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"


def test_the_package_runs_as_a_module(python):
    done = python("-m", "imfuse", "--version")
    assert done.stdout.split() == ["imfuse", __version__]


@pytest.mark.parametrize(
    ("words", "text"),
    [([], "subcommand"), (["melt"], "melt"), (["fuse", "--nosuch"], "--nosuch"), (["demo", "--seed", "x"], "seed")],
)
def test_usage_errors_have_status_2_and_no_traceback(words, text, capsys):
    assert main(words) == 2
    err = capsys.readouterr().err
    assert text in err
    assert "Traceback" not in err


def _raising(error: BaseException):
    def run(arguments):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
        (OSError(28, "No space left on device"), 1, "No space left"),
    ],
)
def test_what_stops_a_run_is_said_in_one_line(monkeypatch, capsys, error, status, text):
    monkeypatch.setattr(imfuse.cli.models, "run", _raising(error))
    assert main(["models"]) == status
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(imfuse.cli.models, "run", _raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        main(["models"])


def test_a_missing_extra_is_named(python, tmp_path):
    code = f"""
import sys
sys.modules["torch"] = None
from imfuse.cli import main
sys.exit(main(["export", {str(tmp_path)!r}, "-o", {str(tmp_path / "model")!r}]))
"""
    done = python("-c", code)
    assert done.returncode == 1
    assert "needs torch" in done.stderr
    assert "imfuse[train]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m imfuse models --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""


def test_the_floor_holds_in_every_command_that_runs_a_model(python, pair, tmp_path):
    code = f"""
import sys
from imfuse.cli import main
words = {[str(path) for path in pair]} + ["-o", {str(tmp_path / "out.png")!r}, "--model", "laplacian", "--json"]
assert main(["fuse", *words]) == 0
print("torch" in sys.modules, file=sys.stderr)
"""
    done = python("-c", code)
    assert done.stderr.strip() == "False"
    assert json.loads(done.stdout)["failed"] == []
