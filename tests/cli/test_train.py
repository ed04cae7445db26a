"""`imfuse train`: own folders in one line, every field an option, exit status that a script can use."""

from __future__ import annotations

import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.cli import main
from imfuse.lab.training.recipe_files import read_recipe

RECIPE = """
name: own
task: infrared and visible
sources: [infrared, visible]
model: {name: learned_pyramid, options: {levels: 3, width: 4}}
objective: {max_intensity: 1}
data: {root: absent, patch: 32, batch: 2, sets: [{name: street, folders: [ir, vis]}]}
optimiser: {steps: 4}
machine: {accelerator: cpu}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `own.yaml` and two pairs in `ir` and `vis`."""
    generator = np.random.default_rng(0)
    for source in ("ir", "vis"):
        (tmp_path / source).mkdir()
        for stem in ("a", "b"):
            cv2.imwrite(str(tmp_path / source / f"{stem}.png"), generator.integers(0, 256, (40, 50), dtype=np.uint8))
    (tmp_path / "own.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_own_folders_train_in_one_line_and_a_second_call_says_that_it_is_finished(folder, capsys):
    command = ["train", "own.yaml", "--folders", "ir", "vis", "-o", "runs/mine"]
    assert main(command) == 0
    assert "runs/mine: finished after 4 steps; `imfuse export runs/mine" in capsys.readouterr().out
    assert (folder / "runs/mine/weights.safetensors").is_file()
    assert main(command) == 0
    assert "already finished after 4 steps" in capsys.readouterr().out


def test_every_field_is_an_option_before_or_after_the_recipe(folder):
    options = ["--objective.max_intensity", "2", "--model.options.width", "8", "--data.root", "."]
    assert main(["train", "--optimiser.steps=2", "own.yaml", *options, "--seed", "3"]) == 0
    recipe = read_recipe(folder / "runs/own/recipe.yaml")
    assert (recipe.optimiser.steps, recipe.seed, recipe.objective) == (2, 3, {"max_intensity": 2.0})
    assert recipe.model.options == {"levels": 3, "width": 8}


def test_sets_are_given_on_the_command_line(folder):
    sets = '[{"name": "mine", "folders": ["ir", "vis"], "licence": "own"}]'
    assert main(["train", "own.yaml", "--data.root", ".", "--data.sets", sets]) == 0
    assert read_recipe(folder / "runs/own/recipe.yaml").data.sets[0].name == "mine"


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--data.bach", "3"], 1, "unknown field data.bach; allowed here: root, "),
        (["--data.batch", "many"], 1, "field data.batch: 'many'; expected a whole number"),
        (["--data.batch", "0"], 1, "data.batch: 0; at least 1"),
        ([], 1, "no folder absent/ir"),
        (["--model.name", "nothing", "--data.root", "."], 1, "nothing"),
        (["--folders", "ir"], 1, "has 1 folder; one for each source"),
        (["--data.root", ".", "--model.options.levels", "1"], 1, "levels from 2 up"),
        (["--data.root", ".", "--model.options.levels", "6"], 1, "needs a multiple of 64"),
    ],
)
def test_a_mistake_ends_with_its_status_and_reason(folder, capsys, options, status, message):
    assert main(["train", "own.yaml", *options]) == status
    assert message in capsys.readouterr().err


def test_an_unknown_recipe_is_refused(folder, capsys):
    assert main(["train", "absent.yaml"]) == 1
    assert "absent.yaml: no such recipe" in capsys.readouterr().err


def test_an_interrupt_is_told_and_gives_its_own_status(folder, capsys, monkeypatch):
    from imfuse.lab.training.logbook import Logbook

    def interrupt_once(_logbook: Logbook, done: int) -> None:
        if done == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Logbook, "advance", interrupt_once)
    assert main(["train", "own.yaml", "--folders", "ir", "vis", "-o", "mine"]) == 130
    assert "mine: stopped after 2 steps; the same command goes on" in capsys.readouterr().out


def test_the_help_tells_every_field(capsys):
    assert main(["train", "--help"]) == 0
    text = capsys.readouterr().out
    for field in ("--optimiser.learning_rate", "--data.augment.haze", "--machine.devices", "--folders"):
        assert field in text
