"""Trainings as processes: killed without warning, and shared by two processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from imfuse.lab.training.loop import train
from imfuse.lab.training.recipe import Recipe
from imfuse.lab.training.recipe_files import read_recipe, save_recipe

SECONDS = 120
STEPS = ("--optimiser.steps", "150")
"""So many that a training is killed well before its end."""


def start(recipe_file: Path, run: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "imfuse", "train", str(recipe_file), "-o", str(run), *options]
    # Threads may add in another order from one run to the next only if their number changes.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> str:
    """Wait for a good end, and return what was written to standard error."""
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors.decode()
    return errors.decode()


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def recipe_file(recipe: Recipe, module_folder: Path) -> Path:
    path = module_folder / "recipe.yaml"
    save_recipe(recipe, path)
    return path


@pytest.fixture(scope="module")
def whole(recipe_file: Path, module_folder: Path) -> Path:
    """A training of one process that nothing interrupts."""
    run = module_folder / "whole"
    finish(start(recipe_file, run, *STEPS))
    return run


def test_a_killed_training_goes_on_to_the_same_bits(recipe_file, whole, tmp_path):
    run = tmp_path / "killed"
    process = start(recipe_file, run, *STEPS)
    deadline = time.monotonic() + SECONDS
    while not (run / "checkpoint.safetensors").is_file():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert not (run / "weights.safetensors").exists()
    finish(start(recipe_file, run, *STEPS))
    assert (run / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_two_processes_learn_the_weights_of_one(recipe_file, tmp_path):
    # A low rate, because Adam's first steps have the sign of the gradient: where that is nearly zero, the order of a
    # sum decides it, and a high rate makes a visible difference of it.
    changes = {"optimiser": {"steps": 20, "learning_rate": 1e-3}}
    options = ("--optimiser.steps", "20", "--optimiser.learning_rate", "1e-3", "--machine.devices", "2")
    assert "MEMBER: 2/2" in finish(start(recipe_file, tmp_path / "two", *options))
    train(read_recipe(recipe_file, changes), tmp_path / "one")
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, expected in one.items():
        assert float((two[name] - expected).abs().max()) < 1e-4, name
