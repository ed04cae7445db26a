"""Folders as searches leave them: by gradients, by trials, over weights, and such as have not finished."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from imfuse.lab.search.choices import sample
from imfuse.lab.search.page import write_page
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.recipe_files import find_search, read_search, save_search
from imfuse.lab.search.record import COURSE, RECIPE, TRIALS, Row, Winner, append_line, trial_line
from imfuse.lab.search.retraining import space_of
from imfuse.lab.search.strategies.trial import Trial

STAGES = [{"level": "macro", "steps": 300}, {"level": "micro", "steps": 600}]


def recipe_of(**changes: Any) -> SearchRecipe:
    """A recipe that comes with imfuse, with a warm-up of 100 and stages of 300 and 600 steps."""
    gradient = {"warmup": 100, "stages": STAGES, **changes.pop("gradient", {})}
    return _read(json.dumps({"strategy": "gradient", "gradient": gradient, **changes}))


@cache
def _read(changes: str) -> SearchRecipe:
    return read_search(find_search("ivif-10ms"), json.loads(changes))


def winner_of(genotype: object, **changes: Any) -> Winner:
    values = {"loss": 0.4321, "predicted_ms": 9.125, "measured_ms": 9.5, "weight": 0.05, "seconds": 412.0}
    return Winner(str(genotype), **{**values, "strategy": "gradient", **changes})


def write_course(recipe: SearchRecipe, folder: Path, until: int | None = None) -> list[Row]:
    """Rows in which the choices of each stage grow decided, and are settled at its end; every tenth step, from 10."""
    random, space, warmup = Random(recipe.seed), space_of(recipe), recipe.gradient.warmup
    folder.mkdir(parents=True, exist_ok=True)
    favourites = {choice.name: random.randrange(len(choice.options)) for choice in space.choices}
    logits = {choice.name: [random.gauss(0, 0.1) for _ in choice.options] for choice in space.choices}
    settled: set[str] = set()
    ends = [warmup + sum(s.steps for s in recipe.gradient.stages[: n + 1]) for n in range(len(recipe.gradient.stages))]
    rows = []
    for step in range(10, (until or ends[-1]) + 1, 10):
        stage = -1 if step <= warmup else next(number for number, end in enumerate(ends) if step <= end)
        for choice in space.choices if stage >= 0 else ():
            if choice.name not in settled and recipe.gradient.stages[stage].decides(choice):
                logits[choice.name] = [value + random.gauss(0, 0.04) for value in logits[choice.name]]
                logits[choice.name][favourites[choice.name]] += 0.08
        for ended in (s for s, end in zip(recipe.gradient.stages, ends[:-1], strict=False) if step >= end):
            settled |= {choice.name for choice in space.choices if ended.decides(choice)}
        probabilities = {name: _softmax(values) for name, values in logits.items()}
        picks = {name: values.index(max(values)) for name, values in probabilities.items()}
        for name in settled:
            probabilities[name] = [float(index == picks[name]) for index in range(len(probabilities[name]))]
        values = {"training_loss": 2 * math.exp(-step / 200) + 0.5 + abs(random.gauss(0, 0.1))}
        if stage >= 0:
            values["search_loss"] = 2 * math.exp(-step / 200) + 0.6 + abs(random.gauss(0, 0.1))
            values["milliseconds"] = 8 + 12 * math.exp(-step / 300) + random.gauss(0, 0.1)
        rows.append(Row(step, stage, values, probabilities, str(space.genotype(picks))))
    # At once, as `append_line` waits for the disk after each.
    (folder / COURSE).write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    return rows


def write_trials(recipe: SearchRecipe, folder: Path, count: int, diverged: int = 0) -> list[Trial[Any]]:
    """Random networks, the slower the better but for chance; the last ones diverged."""
    random, space, trials = Random(recipe.seed), space_of(recipe), []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        milliseconds = random.uniform(3, 10)
        loss = 1.2 / math.sqrt(milliseconds) + random.uniform(0, 0.3)
        found = Trial(sample(space, random), math.inf if number >= count - diverged else loss, milliseconds)
        append_line(folder / TRIALS, trial_line(found, random.uniform(20, 40)))
        trials.append(found)
    return trials


def write_finished(folder: Path, changes: Mapping[str, Any] | None = None, **winner: Any) -> Path:
    """A finished search by gradients."""
    recipe = recipe_of(**{"seed": 5, **(changes or {})})
    save_search(recipe, folder / RECIPE)
    rows = write_course(recipe, folder)
    winner_of(winner.pop("genotype", rows[-1].genotype), **winner).write(folder)
    return folder


def write_tried(folder: Path, count: int = 24, diverged: int = 0, **changes: Any) -> Path:
    """A search by trials, finished if all 24 candidates were tried."""
    recipe = recipe_of(**{"strategy": "random", "trials": {"candidates": 24}, **changes})
    save_search(recipe, folder / RECIPE)
    trials = write_trials(recipe, folder, count, diverged)
    if count == 24:
        best = min(trials, key=lambda trial: trial.loss)
        winner_of(best.genotype, loss=best.loss, predicted_ms=best.milliseconds, strategy="random").write(folder)
    return folder


def write_swept(folder: Path, done: int = 3) -> Path:
    """A sweep over three weights, of which so many are done, and the next has begun."""
    weights, recipe, winners = [0.01, 0.05, 0.2], recipe_of(), []
    save_search(recipe_of(latency={"weight": weights}), folder / RECIPE)
    for number, weight in enumerate(weights[: done + 1]):
        own = folder / f"weight-{weight:g}"
        rows = write_course(replace(recipe, seed=number), own, None if number < done else 200)
        if number < done:
            times = {"predicted_ms": 9.5 - 2 * number, "measured_ms": 9.7 - 2 * number}
            winners.append(winner_of(rows[-1].genotype, loss=0.4 + 0.1 * number, weight=weight, **times))
            winners[-1].write(own)
    if done == len(weights):
        winners[0].write(folder)
    return folder


def write_running(folder: Path, until: int) -> Path:
    """A search by gradients that has come to a step."""
    save_search(recipe_of(), folder / RECIPE)
    if until:
        write_course(recipe_of(), folder, until)
    return folder


@pytest.fixture(scope="session")
def written() -> dict[str, Callable[..., Path]]:
    """Writers of folders by the kind of search that they hold."""
    return {"finished": write_finished, "tried": write_tried, "swept": write_swept, "running": write_running}


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of finished searches with their pages, to be read and not written to."""
    folders = {}
    for kind, write in (("finished", write_finished), ("tried", write_tried), ("swept", write_swept)):
        options = {"notes": ("undecided: no operator leads",)} if kind == "finished" else {}
        folders[kind] = write(tmp_path_factory.mktemp(kind), **options)
        write_page(folders[kind])
    return folders


def _softmax(values: list[float]) -> list[float]:
    powers = [math.exp(value) for value in values]
    return [power / sum(powers) for power in powers]
