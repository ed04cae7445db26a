"""`imfuse search`: own folders in one line, every field an option, exit status that a script can use."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.cli import main
from imfuse.lab.search import search as module
from imfuse.lab.search import times
from imfuse.lab.search.gradient_search import GradientSearch
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.recipe import Stage
from imfuse.lab.search.recipe_files import read_search
from imfuse.lab.search.record import read_trials
from imfuse.lab.search.terms import space_parts
from imfuse.lab.training.logbook import Logbook

RECIPE = """
name: own
task: infrared and visible
sources: [infrared, visible]
objective: {max_intensity: 1}
space: {kinds: [csc], operators: [conv_3, dil_3], slots: 1, cells: [0, 1], widths: [4], heads: [blend]}
gradient: {warmup: 1, stages: [{level: macro, steps: 2}, {level: micro, steps: 2}]}
trials: {candidates: 2, steps: 1, validation: 1, population: 2, tournament: 1}
latency: {target: {engine: torch, threads: 1, height: 32, width: 32}}
data: {root: absent, patch: 16, batch: 2, sets: [{name: street, folders: [ir, vis]}]}
training: {optimiser: {steps: 3}}
machine: {accelerator: cpu}
"""
FUSER = {"fuser": 1.0}
FOLDERS = ["--folders", "ir", "vis"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `own.yaml` and three pairs in `ir` and `vis`; nothing is timed and drawn."""
    generator = np.random.default_rng(0)
    for source in ("ir", "vis"):
        (tmp_path / source).mkdir()
        for stem in "abc":
            cv2.imwrite(str(tmp_path / source / f"{stem}.png"), generator.integers(0, 256, (20, 30), dtype=np.uint8))
    (tmp_path / "own.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        times, "_measured", lambda space, *_: {str(p): 0.5 for p in space_parts(space)} | {"fuser": 1.0}
    )
    monkeypatch.setattr(module, "measure_call", lambda *_: 3.25)
    monkeypatch.setattr(module, "write_page", lambda *_: None)
    return tmp_path


def test_own_folders_are_searched_in_one_line_and_a_second_call_knows_the_network(folder, capsys):
    command = ["search", "own.yaml", *FOLDERS, "-o", "runs/mine"]
    assert main(command) == 0
    said = capsys.readouterr().out
    genotype = json.loads((folder / "runs/mine/winner.json").read_text())["genotype"]
    assert said.startswith("runs/mine: found in ")
    assert f"'{genotype}', 3.2 ms a call" in said
    assert "--then-train trains and exports it" in said
    assert main(command) == 0
    assert f"runs/mine: had found '{genotype}'" in capsys.readouterr().out


def test_search_training_and_export_in_one_chain_make_a_model_that_fuses(folder, capsys):
    assert main(["search", "own.yaml", *FOLDERS, "--then-train", "--licence", "Apache-2.0"]) == 0
    assert "runs/own-search/zoo/own: own, " in capsys.readouterr().out
    card = json.loads((folder / "runs/own-search/zoo/own/card.json").read_text())
    assert card["licence"].startswith("weights: Apache-2.0; data: own: the owner's own images")
    assert main(["fuse", "ir/a.png", "vis/a.png", "--model", "runs/own-search/zoo/own", "-o", "fused.png"]) == 0
    fused = cv2.imread("fused.png", cv2.IMREAD_GRAYSCALE)
    assert fused is not None
    assert fused.shape == (20, 30)
    capsys.readouterr()
    assert main(["search", "own.yaml", *FOLDERS]) == 0
    said = capsys.readouterr().out
    assert "its model is runs/own-search/zoo/own" in said
    assert "--then-train" not in said


def test_the_winner_is_trained_again_by_other_changes_without_another_search(folder, capsys, monkeypatch):
    command = ["search", "own.yaml", *FOLDERS, "--then-train"]
    assert main(command) == 0
    monkeypatch.setattr(GradientSearch, "update", lambda *_: pytest.fail("searched again"))
    shorter = [*command, "--training.optimiser.steps", "2", "--training.optimiser.warmup", "1"]
    assert main(shorter) == 1
    said = capsys.readouterr().err
    assert "--retrain trains the winner again, and keeps the search" in said
    assert "--restart" not in said
    assert main([*shorter, "--retrain"]) == 0
    kept = read_search(folder / "runs/own-search/recipe.yaml").training
    assert kept == {"optimiser": {"steps": 2, "warmup": 1}}
    assert main(shorter) == 0


def test_every_field_is_an_option(folder):
    stages = '[{"level": "both", "steps": 3}]'
    options = ["--gradient.stages", stages, "--gradient.hypergradient", "first_order", "--space.widths", "[2, 4]"]
    more = ["--latency.weight", "[0.0, 0.5]", "--latency.target.height", "64", "--objective.edges.weight", "2"]
    mapping = ["--objective.edges.loss", "gradient", "--training.data.augment.haze", "0.5", "--data.root", "."]
    assert main(["search", "--seed=3", "own.yaml", *options, *more, *mapping]) == 0
    recipe = read_search(folder / "runs/own-search/recipe.yaml")
    assert recipe.gradient.stages == (Stage("both", 3),)
    assert (recipe.gradient.hypergradient, recipe.gradient.warmup, recipe.seed) == ("first_order", 1, 3)
    assert (recipe.space.widths, recipe.space.cells) == ((2, 4), (0, 1))
    assert (recipe.latency.weight, recipe.latency.target.height) == ([0.0, 0.5], 64)
    assert recipe.objective == {"max_intensity": 1.0, "edges": {"weight": 2, "loss": "gradient"}}
    assert recipe.training == {"optimiser": {"steps": 3}, "data": {"augment": {"haze": 0.5}}}
    assert {path.name for path in (folder / "runs/own-search").glob("weight-*")} == {"weight-0", "weight-0.5"}


def test_options_of_a_hypergradient_and_the_space_of_haf_are_options_too(folder):
    haf = '{"kinds": ["csc"], "operators": ["conv_3", "dil_3"], "slots": 1, "ffm": [1], "target": [0], "detail": [0]}'
    stages = '[{"level": "micro", "steps": 1}]'
    command = ["search", "own.yaml", *FOLDERS, "--haf", haf, "--haf.widths", "[4]", "--gradient.stages", stages]
    unrolled = ["--gradient.hypergradient", "unrolled", "--gradient.options.rate", "0.01"]
    assert main([*command, *unrolled]) == 0
    recipe = read_search(folder / "runs/own-search/recipe.yaml")
    assert recipe.haf == HAFSpace(("csc",), ("conv_3", "dil_3"), 1, ffm=(1,), target=(0,), detail=(0,), widths=(4,))
    assert recipe.gradient.options == {"rate": 0.01}


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--space.width", "[4]"], 1, "unknown field space.width; allowed here: kinds, "),
        (["--strategy", "guess"], 1, "field strategy: 'guess'; expected one of gradient, random, evolution"),
        (["--space.cells", "many"], 1, "field space.cells: 'many'; expected a list of whole numbers"),
        (["--space.cells", "[-1]"], 1, "cells has -1"),
        (["--gradient.warmup", "-1"], 1, "field gradient.warmup: -1; at least 0"),
        (["--gradient.options.steps", "3"], 1, "field gradient.options: hypergradient 'gauss_newton': no option steps"),
        (["--latency.budget_ms", "1"], 1, "no network of the space keeps it; the fastest, 'x1 w4 blend', takes 2.5 ms"),
        (["--training.optimizer.steps", "3"], 1, "field training: unknown field optimizer"),
        (["--folders", "ir"], 1, "--folders: 1 given (ir); give 2, the folder of infrared, then of visible"),
        (["--folders", "ir", "absent"], 1, "--folders: no folder absent; name folders that are there, that of infrare"),
        (
            ["--folders", "ir", "other"],
            1,
            "need the same name before the suffix, so rename those in one of the folders",
        ),
        (["-o", "own.yaml"], 1, "own.yaml: no folder to search in"),
    ],
)
def test_a_mistake_ends_with_its_status_and_reason(folder, capsys, options, status, message):
    folders = [] if "--folders" in options else FOLDERS
    (folder / "other").mkdir()
    shutil.copy("ir/a.png", "other/d.png")
    assert main(["search", "own.yaml", *folders, *options]) == status
    assert message in capsys.readouterr().err


def test_images_of_a_recipe_that_are_not_there_can_be_replaced_by_own_ones(folder, capsys):
    assert main(["search", "own.yaml"]) == 1
    said = capsys.readouterr().err
    assert "no folder absent/ir" in said
    assert "or search on your own images by --folders INFRARED VISIBLE" in said


def test_an_unknown_recipe_is_refused_with_those_that_there_are(folder, capsys):
    assert main(["search", "absent"]) == 1
    assert (
        "absent: no such recipe of a search; give the path of a YAML file or one of ['haf', " in capsys.readouterr().err
    )


def test_another_search_in_the_folder_is_refused_unless_restarted(folder, capsys):
    command = ["search", "own.yaml", *FOLDERS, "--strategy", "random"]
    assert main(command) == 0
    assert main([*command, "--seed", "1"]) == 1
    assert "holds a search with another recipe (seed was 0, now 1)" in capsys.readouterr().err
    assert main([*command, "--seed", "1", "--restart"]) == 0
    assert len(read_trials(folder / "runs/own-search")) == 2


def test_an_interrupt_of_the_search_or_of_the_training_is_told_and_gives_its_own_status(folder, capsys, monkeypatch):
    def interrupt_once(_logbook: Logbook, done: int) -> None:
        if done == 1:
            signal.raise_signal(signal.SIGINT)

    command = ["search", "own.yaml", *FOLDERS, "--then-train"]
    with monkeypatch.context() as patch:
        patch.setattr(Logbook, "advance", interrupt_once)
        assert main(command) == 130
        assert "runs/own-search: stopped; the same command goes on from there" in capsys.readouterr().out
        patch.setattr(Logbook, "advance", lambda *_: None)
        assert main(command[:-1]) == 0
        patch.setattr(Logbook, "advance", interrupt_once)
        capsys.readouterr()
        assert main([*command, "--retrain"]) == 130
        said = capsys.readouterr().out
        assert "training stopped after 2 steps" in said
        assert "the same command without --retrain goes on from there" in said
    assert main(command) == 0


def test_an_interrupt_tells_whether_anything_was_kept(folder, capsys, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    command = ["search", "own.yaml", *FOLDERS, "--checkpoint_every", "1"]
    with monkeypatch.context() as patch:
        patch.setattr(times, "_measured", interrupt)
        assert main(command) == 130
    said = capsys.readouterr().out
    assert "interrupted before anything of the search was kept; the same command begins again" in said
    with monkeypatch.context() as patch:
        patch.setattr(Logbook, "advance", lambda _, done: interrupt() if done == 3 else None)
        assert main(command) == 130
    said = capsys.readouterr().out
    assert "interrupted; what was kept last is there, and the same command goes on from there" in said
    assert main(command) == 0


def test_the_help_tells_every_field(capsys):
    assert main(["search", "--help"]) == 0
    text = capsys.readouterr().out
    for field in ("--then-train", "--retrain", "--folders", "--space.operators", "--haf", "--gradient.stages"):
        assert field in text
    for field in ("--latency.target.threads", "--trials.candidates", "--training", "--optimiser.learning_rate"):
        assert field in text
