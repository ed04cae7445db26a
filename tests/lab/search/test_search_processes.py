"""Searches as processes: stopped by a signal, killed without warning, and shared by two processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import torch

from imfuse import Fuser
from imfuse.lab.search import search as module
from imfuse.lab.search.recipe import Stage
from imfuse.lab.search.recipe_files import save_search
from imfuse.lab.search.record import CHECKPOINT, WINNER, Winner, read_course
from imfuse.lab.search.search import search
from imfuse.lab.search.space import Space

SECONDS = 240
LONG = {"gradient": {"stages": (Stage("macro", 25), Stage("micro", 25))}, "checkpoint_every": 10}
"""So long that it is stopped well before its end."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the processes have, because another number may add in another order; and no pages."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_page", lambda _folder: None)
        yield
    torch.set_num_threads(before)


def start(*words: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not ready():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_search_that_was_stopped_and_then_killed_finds_what_an_uninterrupted_one_does(
    tiny, change, pretend, tmp_path
):
    recipe = change(tiny, **LONG)
    save_search(recipe, tmp_path / "tiny.yaml")
    stopped = pretend(tmp_path / "stopped")
    command = ("-m", "imfuse", "search", tmp_path / "tiny.yaml", "-o", stopped)
    process = start(*command)
    wait_for(process, lambda: len(read_course(stopped)) > 3)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=SECONDS)[0].decode()
    assert process.returncode == 130
    assert "stopped; the same command goes on from there" in said
    done = len(read_course(stopped))
    process = start(*command)
    wait_for(process, lambda: len(read_course(stopped)) > done + 12)
    process.kill()
    process.communicate()
    assert (stopped / CHECKPOINT).is_file()
    assert not (stopped / WINNER).exists()
    again, whole = search(recipe, stopped).winner, search(recipe, pretend(tmp_path / "whole")).winner
    assert again is not None
    assert whole is not None
    assert (again.genotype, again.loss) == (whole.genotype, whole.loss)
    assert read_course(stopped) == read_course(tmp_path / "whole")


SCRIPT = """
import json, sys
from pathlib import Path
from lightning_fabric.utilities.rank_zero import rank_zero_only
from imfuse.lab.search.chain import train_winner
from imfuse.lab.search.gradient_run import GradientRun
from imfuse.lab.search.recipe_files import read_search
from imfuse.lab.search.search import search

recipe, folder = read_search(Path(sys.argv[1])), Path(sys.argv[2])
finish = GradientRun.finish

def watched(run):
    found = finish(run)
    logits = {name: value.tolist() for name, value in run.search.logits.items()}
    weights = [value.double().sum().item() for value in run.search.weights.values()]
    values = {"genotype": str(found.genotype), "loss": found.loss, "logits": logits, "weights": weights}
    values["seen"] = float(run.material.batches.training[0].sources.mean())
    (folder / f"rank{rank_zero_only.rank}.json").write_text(json.dumps(values))
    return found

GradientRun.finish = watched
assert search(recipe, folder).winner is not None
assert train_winner(recipe, folder).finished
"""
"""A search and a training; each process writes what it has found by itself."""


def test_two_processes_find_the_same_network_each_and_what_one_finds_on_the_whole_batch(
    tiny, change, pretend, tmp_path
):
    # Without cells, whose batch norms see a share of the batch each.
    space = Space(cells=(0,), resolutions=(1, 2), widths=(2, 4), heads=("direct", "blend"))
    gradient = {"stages": (Stage("macro", 8),)}
    recipe = change(tiny, space=space, gradient=gradient, optimiser={"learning_rate": 1e-3}, data={"patch": 8})
    folder = pretend(tmp_path / "two", space)
    save_search(change(recipe, machine={"devices": 2}), tmp_path / "two.yaml")
    script = tmp_path / "two.py"  # a file, because Fabric starts the other process by the same command
    script.write_text(SCRIPT)
    process = start(script, tmp_path / "two.yaml", folder)
    one = search(recipe, pretend(tmp_path / "one", space)).winner
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors.decode()
    first, second = (json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert first.pop("seen") != second.pop("seen")
    assert first == second
    assert one is not None
    winner = Winner.read(folder)
    assert (winner.genotype, winner.loss) == (one.genotype, pytest.approx(one.loss, rel=1e-4))
    rows = zip(read_course(folder), read_course(tmp_path / "one"), strict=True)
    for shared, alone in rows:
        assert shared.values == pytest.approx(alone.values, rel=1e-4)
    assert Fuser.load(folder / "zoo" / "tiny").sources == ("infrared", "visible")
