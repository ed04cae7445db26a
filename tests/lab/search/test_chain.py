"""From the winner to a model: trained with the recipe's changes, exported, and resumed where it stopped."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

from imfuse import Fuser
from imfuse.errors import RecipeError, SearchError
from imfuse.lab.search.chain import check_training, train_winner
from imfuse.lab.search.recipe_files import read_search
from imfuse.lab.search.record import RECIPE, TRAINING, ZOO, Winner
from imfuse.lab.search.working import only_process
from imfuse.lab.training.logbook import Logbook
from imfuse.lab.training.recipe_files import read_recipe
from imfuse.lab.training.weights import load_network

WINNER = Winner("x1 w4 blend csc(conv_3)", 0.25, 3.5, 3.75, 0.1, 12.5, "gradient")


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """The folder of a finished search, whose winner was trained."""
    folder = tmp_path_factory.mktemp("search")
    WINNER.write(folder)
    return folder, train_winner(tiny, folder, licence="Apache-2.0")


def test_the_winner_becomes_a_model_that_fuses_pictures_of_any_size(trained, tiny):
    folder, outcome = trained
    assert (outcome.steps, outcome.finished, outcome.folder) == (3, True, folder / ZOO / "tiny")
    assert outcome.card.network == "searched(genotype='x1 w4 blend csc(conv_3)')"
    assert outcome.card.licence.startswith("weights: Apache-2.0")
    generator = np.random.default_rng(0)
    infrared = generator.integers(0, 256, (31, 45), dtype=np.uint8)
    visible = generator.integers(0, 256, (31, 45, 3), dtype=np.uint8)
    fused = Fuser.load(folder / ZOO / "tiny")(infrared, visible)
    assert (fused.shape, fused.dtype) == ((31, 45, 3), np.uint8)


def test_the_model_is_a_network_in_pytorch_too_by_the_recipe_beside_it(trained):
    network = load_network(trained[0] / ZOO / "tiny")
    assert str(network.genotype) == WINNER.genotype


def test_it_is_trained_by_the_recipe_with_its_changes(trained, tiny):
    recipe = read_recipe(trained[0] / TRAINING / "recipe.yaml")
    assert recipe.optimiser.steps == 3
    assert (recipe.data, recipe.objective) == (tiny.data, tiny.objective)


def test_a_second_call_trains_nothing(trained, tiny):
    folder, _ = trained
    weights = (folder / TRAINING / "weights.safetensors").stat().st_mtime_ns
    assert train_winner(tiny, folder).finished
    assert (folder / TRAINING / "weights.safetensors").stat().st_mtime_ns == weights


def test_other_changes_are_refused_and_a_restart_trains_by_them(trained, tiny, change):
    folder, _ = trained
    other = change(tiny, training={"optimiser": {"steps": 2}})
    with pytest.raises(SearchError, match=r"optimiser\.steps was 3, now 2\); --retrain trains .*keeps the search$"):
        train_winner(other, folder)
    assert read_search(folder / RECIPE) == tiny
    outcome = train_winner(other, folder, restart=True)
    assert (outcome.steps, outcome.folder) == (2, folder / ZOO / "tiny")
    assert Winner.read(folder) == WINNER
    assert read_search(folder / RECIPE) == other
    assert train_winner(other, folder).finished


@pytest.mark.parametrize("name", ["recipe.yaml", "checkpoint.safetensors"])
def test_a_training_that_cannot_go_on_is_refused_with_the_way_to_keep_the_search(tiny, tmp_path, name):
    WINNER.write(tmp_path)
    train_winner(tiny, tmp_path)
    (tmp_path / TRAINING / name).write_text("name: [")
    with pytest.raises(SearchError, match=r"training: holds no training .*; --retrain trains") as error:
        train_winner(tiny, tmp_path)
    assert "--restart" not in str(error.value)
    assert train_winner(tiny, tmp_path, restart=True).finished


def test_a_stopped_training_goes_on(tiny, tmp_path, monkeypatch):
    WINNER.write(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Logbook, "advance", lambda _, done: signal.raise_signal(signal.SIGTERM) if done == 1 else None)
        outcome = train_winner(tiny, tmp_path)
    assert (outcome.steps, outcome.finished, outcome.folder) == (2, False, None)
    assert not (tmp_path / ZOO).exists()
    assert train_winner(tiny, tmp_path).card is not None


def test_a_training_is_refused_beside_another_process(tiny, tmp_path: Path):
    pytest.importorskip("fcntl")
    WINNER.write(tmp_path)
    with only_process(tmp_path, first=True), pytest.raises(SearchError, match="another process works"):
        train_winner(tiny, tmp_path)
    assert not (tmp_path / TRAINING).exists()


def test_a_search_that_has_not_finished_is_named(tiny, tmp_path: Path):
    with pytest.raises(SearchError, match=r"no winner\.json; let `imfuse search` finish"):
        train_winner(tiny, tmp_path)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"objective": {"sim": 1.0}}, r"no loss 'sim'; did you mean 'ssim'"),
        ({"data": {"patch": 17}}, r"data\.patch: 17; .*needs a multiple of 2"),
        ({"optimiser": {"step": 3}}, r"unknown field optimiser\.step"),
    ],
)
def test_a_training_that_cannot_be_is_refused_before_the_search(tiny, change, training, message):
    with pytest.raises(RecipeError, match=message):
        check_training(change(tiny, training=training))
    check_training(tiny)
