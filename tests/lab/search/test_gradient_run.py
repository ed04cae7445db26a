"""A search by gradients in its folder: stopped anywhere it goes on to the bit, and what it logs and keeps."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imfuse.errors import TrainingError
from imfuse.lab.search.gradient_run import GradientRun
from imfuse.lab.search.record import COURSE, Found, read_course
from imfuse.lab.search.times import search_times
from imfuse.lab.training.checkpoint import load_tensors

CHECKPOINT = "checkpoint.safetensors"

Open = Callable[..., GradientRun]


@pytest.fixture(scope="module")
def start(tiny, change, pretend) -> Open:
    """A run of a changed recipe in a folder."""

    def start(folder: Path, kept: Callable[[], None] = lambda: None, **values) -> GradientRun:
        recipe, fabric = change(tiny, **values), Fabric(accelerator="cpu", devices=1)
        times = search_times(recipe, pretend(folder), fabric)
        return GradientRun(recipe, folder, fabric, times, kept=kept)

    return start


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory) -> dict[str, tuple[Path, Found]]:
    """By relaxation, a search that nothing interrupts."""
    finished = {}
    for relaxation in ("gumbel", "two_paths", "softmax"):
        folder = tmp_path_factory.mktemp(relaxation)
        found = start(folder, gradient={"relaxation": relaxation}).finish()
        assert found is not None
        finished[relaxation] = (folder, found)
    return finished


def stop_after(run: GradientRun, updates: int) -> None:
    """Ask to stop by a signal during that update."""
    update = run.search.update

    def interrupted(step: int) -> dict[str, float]:
        if step + 1 == updates:
            signal.raise_signal(signal.SIGTERM)
        return update(step)

    run.search.update = interrupted


def equal_states(first: Path, second: Path) -> bool:
    """Whether all weights, logits and states of the optimisers are the same to the bit."""
    (left, _), (right, _) = (load_tensors(folder / CHECKPOINT) for folder in (first, second))
    return left.keys() == right.keys() and all(torch.equal(value, right[name]) for name, value in left.items())


# In the warm-up, in the first stage, at its last update, and in the second one.
@pytest.mark.parametrize(
    ("relaxation", "updates"), [("two_paths", n) for n in (1, 4, 6, 8)] + [("gumbel", 6), ("softmax", 6)]
)
def test_a_stopped_search_goes_on_to_the_bit(start, whole, tmp_path, relaxation, updates):
    values = {"gradient": {"relaxation": relaxation}}
    run = start(tmp_path, **values)
    stop_after(run, updates)
    assert run.finish() is None
    again = start(tmp_path, **values)
    assert again.done == updates
    folder, expected = whole[relaxation]
    found = again.finish()
    assert found is not None
    assert (found.genotype, found.loss, found.notes) == (expected.genotype, expected.loss, expected.notes)
    assert equal_states(tmp_path, folder)
    assert (tmp_path / COURSE).read_bytes() == (folder / COURSE).read_bytes()
    assert run.seconds < found.seconds


def test_a_search_that_died_between_checkpoints_goes_on_from_the_last_one(start, whole, tmp_path, monkeypatch):
    run = start(tmp_path)
    update = run.search.update

    def dying(step: int) -> dict[str, float]:
        if step == 5:
            raise KeyboardInterrupt
        return update(step)

    monkeypatch.setattr(run.search, "update", dying)
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    assert [row.step for row in read_course(tmp_path)] == [1, 2, 3, 4, 5]
    again = start(tmp_path)
    assert again.done == 3
    found = again.finish()
    folder, expected = whole["two_paths"]
    assert found is not None
    assert (found.genotype, found.loss) == (expected.genotype, expected.loss)
    assert (tmp_path / COURSE).read_bytes() == (folder / COURSE).read_bytes()


def test_a_finished_search_without_its_winner_finds_it_again(start, whole, tmp_path):
    folder, expected = whole["two_paths"]
    for name in (CHECKPOINT, COURSE):
        shutil.copy(folder / name, tmp_path)
    found = start(tmp_path).finish()
    assert found is not None
    assert (found.genotype, found.loss) == (expected.genotype, expected.loss)


def test_another_seed_takes_another_course(start, whole, tmp_path):
    start(tmp_path, seed=1).finish()
    losses, others = (
        [row.values["training_loss"] for row in read_course(f)] for f in (whole["two_paths"][0], tmp_path)
    )
    assert not set(losses) & set(others)


def test_values_and_probabilities_reach_the_course_and_tensorboard(whole):
    folder, found = whole["two_paths"]
    rows = read_course(folder)
    assert [row.stage for row in rows] == [-1, -1, 0, 0, 0, 0, 1, 1, 1, 1]
    assert [set(row.values) for row in rows[1:3]] == [
        {"training_loss"},
        {"training_loss", "search_loss", "milliseconds", "architecture_gradient"},
    ]
    assert all(sum(p) == pytest.approx(1.0) for row in rows for p in row.probabilities.values())
    assert [max(row.probabilities["width"]) == 1 for row in rows] == [False] * 5 + [True] * 5
    assert rows[-1].genotype == str(found.genotype)
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss/training_loss")] == list(range(1, 11))
    assert [event.step for event in events.Scalars("loss/search_loss")] == list(range(3, 11))
    assert "training/probability_cell1.csc.op1" in events.Tags()["scalars"]


def test_a_stage_without_any_gradient_is_called_dead(start, whole, tmp_path):
    run = start(tmp_path)
    update = run.search.update

    def silent(step):
        values = update(step)
        return {**values, "architecture_gradient": 0.0} if "architecture_gradient" in values else values

    run.search.update = silent
    notes = run.finish().notes
    assert "dead: no option made any difference in the last 4 updates of a stage" in notes[0]
    assert not any("dead" in note for note in whole["two_paths"][1].notes)


def test_something_is_done_after_each_checkpoint(start, tmp_path):
    steps = []
    start(tmp_path, lambda: steps.append(len(read_course(tmp_path))), gradient={"warmup": 0}).finish()
    assert steps == [3, 6, 8]


def test_a_value_that_is_not_finite_leaves_the_checkpoint_as_it_was(start, tmp_path):
    run = start(tmp_path)
    objective, calls = run.search.objectives[""], []

    def breaking(images, targets):
        calls.append(1)
        total, terms = objective(images, targets)
        factor = float("nan") if len(calls) > 8 else 1.0
        return total * factor, {name: value * factor for name, value in terms.items()}

    run.search.objectives = {"": breaking}
    with pytest.raises(TrainingError, match=r"step 4: the loss term 'training_loss' is nan; the last check"):
        run.finish()
    assert start(tmp_path).done == 3
    assert all(torch.isfinite(tensor).all() for tensor in load_tensors(tmp_path / CHECKPOINT)[0].values())


def test_files_without_a_partner_are_told(start, images, tmp_path, capsys):
    shutil.copytree(images, tmp_path / "images")
    cv2.imwrite(str(tmp_path / "images" / "ir" / "lonely.png"), np.zeros((24, 40), np.uint8))
    gradient = {"warmup": 0}
    start(tmp_path / "run", data={"root": str(tmp_path / "images")}, gradient=gradient, log_every=100).finish()
    assert "data set 'smooth': left out for want of a partner" in capsys.readouterr().err
