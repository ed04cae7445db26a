"""The loop: it learns, logs every term, stops politely, resumes to the bit, and refuses what does not fit."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imfuse.errors import RecipeError, TrainingError
from imfuse.lab.training.checkpoint import checkpoint_step, load_tensors
from imfuse.lab.training.loop import Outcome, train
from imfuse.lab.training.recipe_files import read_recipe


@pytest.fixture
def run(recipe, make_network, objective):
    """Trains the small network into a folder."""

    def run(folder, *, recipe=recipe, objective=objective, **options):
        return train(recipe, folder, network=make_network(), objective=objective, **options)

    return run


def failing_at(call, objective, change):
    """An objective that changes its result at one call and afterwards."""
    calls = []

    def changed(fused, sources):
        calls.append(1)
        total, terms = objective(fused, sources)
        return change(total, terms) if len(calls) >= call else (total, terms)

    return changed


def test_the_loss_falls_and_every_term_and_example_is_logged(run, recipe, tmp_path):
    longer = replace(recipe, optimiser=replace(recipe.optimiser, steps=60), log_every=1, picture_every=30)
    assert run(tmp_path, recipe=longer) == Outcome(0, 60, finished=True)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    logged = {name: [event.value for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
    assert set(logged) == {
        "loss/total",
        "loss/near",
        "loss/square",
        "training/learning_rate",
        "training/gradient_norm",
    }
    assert sum(logged["loss/total"][-20:]) < 0.8 * sum(logged["loss/total"][:20])
    assert [event.step for event in events.Images("example")] == [30, 60]


def test_the_resolved_recipe_lies_beside_the_weights(run, recipe, tmp_path):
    run(tmp_path)
    assert read_recipe(tmp_path / "recipe.yaml") == recipe
    weights, metadata = load_tensors(tmp_path / "weights.safetensors")
    assert set(weights) == {"first.weight", "first.bias", "second.weight", "second.bias"}
    assert len(metadata["recipe_sha256"]) == 64


def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(run, recipe, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(tmp_path / name, recipe=replace(recipe, seed=seed))
    first, second, other = ((tmp_path / name / "weights.safetensors").read_bytes() for name in "abc")
    assert first == second
    assert first != other


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_after_a_checkpoint_and_the_training_goes_on_to_the_bit(run, objective, tmp_path, number):
    def interrupt(total, terms):
        signal.raise_signal(number)
        return total, terms

    interrupted = failing_at(7, objective, interrupt)
    # Asked during update 7, which is number 6 counted from zero.
    assert run(tmp_path / "stopped", objective=interrupted) == Outcome(0, 7, finished=False)
    assert not (tmp_path / "stopped" / "weights.safetensors").exists()
    assert run(tmp_path / "stopped") == Outcome(7, 12, finished=True)
    run(tmp_path / "whole")
    for name in ("weights.safetensors", "checkpoint.safetensors"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_finished_training_is_left_alone_unless_restarted(run, tmp_path):
    run(tmp_path)
    before = (tmp_path / "checkpoint.safetensors").stat().st_mtime_ns
    assert run(tmp_path) == Outcome(12, 12, finished=True)
    assert (tmp_path / "checkpoint.safetensors").stat().st_mtime_ns == before
    assert run(tmp_path, restart=True) == Outcome(0, 12, finished=True)


def test_another_recipe_in_the_folder_is_refused_unless_restarted(run, recipe, tmp_path):
    run(tmp_path)
    other = replace(recipe, data=replace(recipe.data, batch=2))
    with pytest.raises(TrainingError, match=r"data\.batch was 4, now 2.*--restart"):
        run(tmp_path, recipe=other)
    assert run(tmp_path, recipe=other, restart=True) == Outcome(0, 12, finished=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda total, terms: (total, {**terms, "near": terms["near"] * torch.nan}), r"step 5: the loss term 'near'"),
        (lambda total, terms: (total / 0, terms), r"step 5: the loss term 'total'"),
        # The root has an infinite slope at zero, though its value is finite.
        (lambda total, terms: (total + (total * 0).sqrt(), terms), r"step 5: the gradient of first\.weight"),
    ],
)
def test_a_value_that_is_not_finite_stops_and_overwrites_nothing(run, objective, tmp_path, change, message):
    with pytest.raises(TrainingError, match=message):
        run(tmp_path, objective=failing_at(6, objective, change))
    assert checkpoint_step(tmp_path / "checkpoint.safetensors") == 4
    tensors, _ = load_tensors(tmp_path / "checkpoint.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_a_patch_that_the_network_cannot_take_is_refused(run, recipe, tmp_path):
    with pytest.raises(RecipeError, match=r"data\.patch: 33; .* multiple of 2"):
        run(tmp_path, recipe=replace(recipe, data=replace(recipe.data, patch=33)))


def test_scenes_that_would_end_the_training_when_drawn_are_named_at_once(run, recipe, image_folder, tmp_path):
    shutil.copytree(image_folder, tmp_path / "images")
    cv2.imwrite(str(tmp_path / "images" / "vis" / "b.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(RecipeError, match=r"1 of 3 scenes(?s:.*)ir.b\.png \(72, 96\), .*vis.b\.png \(8, 8\)"):
        run(tmp_path / "run", recipe=replace(recipe, data=replace(recipe.data, root=str(tmp_path / "images"))))
    assert not (tmp_path / "run").exists()


def test_the_number_of_files_without_a_partner_is_told(run, recipe, image_folder, tmp_path, capsys):
    shutil.copytree(image_folder, tmp_path / "images")
    for name in ("d.png", "e.png"):
        shutil.copy(image_folder / "ir" / "a.png", tmp_path / "images" / "ir" / name)
    run(tmp_path / "run", recipe=replace(recipe, data=replace(recipe.data, root=str(tmp_path / "images"))))
    said = capsys.readouterr().err
    assert "data set 'smooth': left out for want of a partner of the same stem" in said
    assert "and 1 more" in said
    assert "d.png" in said


def test_missing_data_is_named_before_anything_is_written(run, recipe, tmp_path):
    with pytest.raises(RecipeError, match="no folder"):
        run(tmp_path / "run", recipe=replace(recipe, data=replace(recipe.data, root="absent")))
    assert not (tmp_path / "run").exists()
