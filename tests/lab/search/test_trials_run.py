"""Searches by short trainings: the best within the budget, and the same wherever they were stopped."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from lightning_fabric import Fabric
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imfuse.errors import SearchError
from imfuse.lab.search.record import TRIALS, Found, read_trials
from imfuse.lab.search.times import search_times
from imfuse.lab.search.trials_run import TrialsRun

Open = Callable[..., TrialsRun]
STRATEGIES = ("random", "evolution")


@pytest.fixture(scope="module")
def start(tiny, change, pretend) -> Open:
    """A run of a changed recipe in a folder."""

    def start(folder: Path, kept: Callable[[], None] = lambda: None, **values) -> TrialsRun:
        recipe = change(tiny, **{"strategy": "evolution", **values})
        times = search_times(recipe, pretend(folder), Fabric(accelerator="cpu", devices=1))
        return TrialsRun(recipe, folder, times, "cpu", kept=kept)

    return start


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory) -> dict[str, tuple[Path, Found]]:
    """By strategy, a search that nothing interrupts."""
    finished = {}
    for strategy in STRATEGIES:
        folder = tmp_path_factory.mktemp(strategy)
        found = start(folder, strategy=strategy).finish()
        assert found is not None
        finished[strategy] = (folder, found)
    return finished


def tried(folder: Path) -> list[tuple]:
    """All but the seconds."""
    return [(row["genotype"], row["loss"], row["milliseconds"]) for row in read_trials(folder)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_lowest_loss_wins_among_different_networks(whole, strategy):
    folder, found = whole[strategy]
    rows = read_trials(folder)
    assert len({row["genotype"] for row in rows}) == len(rows) == 4
    best = min(rows, key=lambda row: row["loss"])
    assert (str(found.genotype), found.loss) == (best["genotype"], best["loss"])
    assert found.seconds == pytest.approx(sum(row["seconds"] for row in rows), abs=0.01)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_that_was_killed_in_the_middle_of_a_line_goes_on_to_the_same_trials(start, whole, tmp_path, strategy):
    folder, expected = whole[strategy]
    lines = (folder / TRIALS).read_bytes().splitlines(keepends=True)
    (tmp_path / TRIALS).write_bytes(b"".join(lines[:2]) + lines[2][:20])
    run = start(tmp_path, strategy=strategy)
    asked, evaluate = [], run.evaluate
    run.evaluate = lambda genotype: asked.append(str(genotype)) or evaluate(genotype)  # type: ignore[assignment]
    found = run.finish()
    assert asked == [json.loads(line)["genotype"] for line in lines[2:]]  # what is known is not trained again
    assert tried(tmp_path) == tried(folder)
    assert found is not None
    assert (found.genotype, found.loss) == (expected.genotype, expected.loss)


def test_a_signal_ends_after_the_trial_and_the_search_goes_on(start, whole, tmp_path):
    run = start(tmp_path)
    evaluate = run.evaluate

    def interrupted(genotype):
        signal.raise_signal(signal.SIGTERM)
        return evaluate(genotype)

    run.evaluate = interrupted  # type: ignore[assignment]
    assert run.finish() is None
    assert len(read_trials(tmp_path)) == 1
    assert start(tmp_path).finish() is not None
    assert tried(tmp_path) == tried(whole["evolution"][0])


def test_a_signal_in_the_last_trial_loses_nothing(start, whole, tmp_path):
    folder, expected = whole["evolution"]
    lines = (folder / TRIALS).read_bytes().splitlines(keepends=True)
    (tmp_path / TRIALS).write_bytes(b"".join(lines[:3]))
    run = start(tmp_path, lambda: signal.raise_signal(signal.SIGTERM))
    found = run.finish()
    assert found is not None
    assert found.genotype == expected.genotype


def test_another_seed_tries_in_another_order(start, whole, tmp_path):
    start(tmp_path, seed=1).finish()
    assert tried(tmp_path) != tried(whole["evolution"][0])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_network_above_the_budget_is_tried(start, tmp_path, strategy):
    found = start(tmp_path, strategy=strategy, latency={"budget_ms": 3.6}).finish()
    rows = read_trials(tmp_path)
    assert {row["genotype"] for row in rows} == {
        f"x1 w{w} blend {kind}(conv_3)" for w in (2, 4) for kind in ("csc", "cdc")
    }
    assert all(row["milliseconds"] <= 3.6 for row in rows)
    assert found is not None


def test_time_costs_its_weight(start, tmp_path):
    found = start(tmp_path, latency={"weight": 1000.0}).finish()
    assert found is not None
    fastest = min(read_trials(tmp_path), key=lambda row: (row["milliseconds"], row["loss"]))
    assert str(found.genotype) == fastest["genotype"]


def test_networks_that_diverge_are_kept_and_never_win(start, tmp_path):
    run = start(tmp_path)
    losses = iter([float("inf"), 0.5, float("nan"), 0.75])
    run.evaluate = lambda _genotype: next(losses)  # type: ignore[assignment]
    found = run.finish()
    assert found is not None
    assert found.loss == 0.5
    assert [row["loss"] for row in read_trials(tmp_path)] == [None, 0.5, None, 0.75]
    again = start(tmp_path).finish()
    assert again is not None
    assert (again.genotype, again.loss) == (found.genotype, 0.5)
    none = start(tmp_path / "none")
    none.evaluate = lambda _genotype: float("inf")  # type: ignore[assignment]
    with pytest.raises(SearchError, match="no trial has a finite loss"):
        none.finish()


def test_each_candidate_is_told_in_one_line(start, tmp_path, capsys):
    run = start(tmp_path)
    losses = iter([0.5, float("inf"), 0.25, 0.75])
    run.evaluate = lambda _genotype: next(losses)  # type: ignore[assignment]
    run.finish()
    rows, lines = read_trials(tmp_path), capsys.readouterr().err.splitlines()
    lines = [line for line in lines if " ms, " in line or "search_loss" in line or line.startswith("step ")]
    begins = [f"{n}/4  {row['genotype']}: {row['milliseconds']:.2f} ms, " for n, row in enumerate(rows, 1)]
    ends = ["search loss 0.5000", "diverged", "search loss 0.2500", "search loss 0.7500"]
    assert [line.rpartition(", ")[0] for line in lines] == [a + b for a, b in zip(begins, ends, strict=True)]
    assert all(line.endswith(" s") for line in lines)


def test_trials_of_another_search_are_refused(start, tmp_path):
    start(tmp_path, trials={"candidates": 1}).finish()
    with pytest.raises(SearchError, match="trial 1 of the earlier run is"):
        start(tmp_path, seed=1).finish()


def test_losses_reach_tensorboard_and_something_is_done_after_each_trial(start, tmp_path):
    seen = []
    start(tmp_path, lambda: seen.append(len(read_trials(tmp_path)))).finish()
    assert seen == [1, 2, 3, 4]
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    losses = [(event.step, event.value) for event in events.Scalars("loss/search_loss")]
    assert losses == [(n, pytest.approx(row["loss"])) for n, row in enumerate(read_trials(tmp_path), 1)]
    assert len(events.Scalars("training/milliseconds")) == 4
