"""`Story`: all that a search left in its folder, whether it has finished or not (no torch)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from imfuse.errors import SearchError
from imfuse.lab.search.choices import SearchSpace
from imfuse.lab.search.pareto import best
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.recipe_files import read_search
from imfuse.lab.search.record import RECIPE, WINNER, Row, Winner, read_course, read_trials
from imfuse.lab.search.retraining import genotype_of, space_of
from imfuse.lab.search.strategies.trial import Trial

SWEPT = "weight-"
"""What the names of the folders of a sweep begin with."""


@dataclass(frozen=True)
class Phase:
    """Steps of a search by gradients in which the same is decided.

    Attributes:
        name: such as `warm-up`, `macro` or `micro target detail`.
        begin: updates before it.
        end: updates after it.
        decides: names of the choices that it decides.
    """

    name: str
    begin: int
    end: int
    decides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    """A search.

    Attributes:
        folder: where it is.
        recipe: with one weight of the time, or a list of them for a sweep.
        rows: the course of a search by gradients.
        trials: networks that were tried, by their texts; the loss of one that diverged is infinite.
        trial_seconds: that each trial took.
        winner: None while the search runs.
        parts: the searches of a sweep, one for each weight.
    """

    folder: Path
    recipe: SearchRecipe
    rows: Sequence[Row] = ()
    trials: Sequence[Trial[str]] = ()
    trial_seconds: Sequence[float] = ()
    winner: Winner | None = None
    parts: Sequence[Story] = field(default=())

    @cached_property
    def space(self) -> SearchSpace[Any]:
        """The networks that are looked among."""
        return space_of(self.recipe)

    @cached_property
    def phases(self) -> list[Phase]:
        """Warm-up and stages; a choice belongs to the first stage that decides it."""
        gradient = self.recipe.gradient
        found, left = [Phase("warm-up", 0, gradient.warmup)] if gradient.warmup else [], list(self.space.choices)
        begin = gradient.warmup
        for stage in gradient.stages:
            decided = [choice for choice in left if stage.decides(choice)]
            left = [choice for choice in left if choice not in decided]
            name, names = " ".join([stage.level, *stage.parts]), tuple(choice.name for choice in decided)
            found.append(Phase(name, begin, begin + stage.steps, names))
            begin += stage.steps
        return found

    @cached_property
    def weight(self) -> float:
        """Of a millisecond in what trials are chosen by."""
        latency = self.recipe.latency
        return 0.0 if latency.budget_ms is not None or isinstance(latency.weight, list) else latency.weight

    @cached_property
    def best_trial(self) -> Trial[str] | None:
        """The one that would win if the search ended now."""
        try:
            return best(self.trials, self.weight)
        except SearchError:
            return None

    @cached_property
    def leader(self) -> Story:
        """The part of a sweep that found the winner; of another search itself."""
        return next((part for part in self.parts if self.winner and part.winner == self.winner), self)

    @cached_property
    def genotype(self) -> Any:
        """The winner; while the search runs the likeliest network, or the best so far; None where there is none."""
        texts = [self.winner.genotype] if self.winner else [row.genotype for row in self.rows[-1:]]
        if not texts and self.best_trial:
            texts = [self.best_trial.genotype]
        return genotype_of(self.recipe, texts[0]) if texts else None

    @cached_property
    def picks(self) -> dict[str, int]:
        """Of `genotype`."""
        return self.space.picks(self.genotype) if self.genotype else {}

    @cached_property
    def open_rows(self) -> dict[str, int]:
        """For each choice how many rows there are before it was settled: those before the end of its stage.

        The last stage settles nothing. A stage that ended before a row of it was logged has none: what was likely when
        it was settled is not known.
        """
        stages = {name: phase for phase in self.phases[:-1] for name in phase.decides}
        return {choice.name: self._rows_until(stages.get(choice.name)) for choice in self.space.choices}

    def _rows_until(self, stage: Phase | None) -> int:
        """Rows before the end of a stage, none if they all are from before it; None is the last stage."""
        if stage is None:
            return len(self.rows)
        early = sum(row.step < stage.end for row in self.rows)
        unlogged = early < len(self.rows) and not any(row.step > stage.begin for row in self.rows[:early])
        return 0 if unlogged else early

    @cached_property
    def probabilities(self) -> dict[str, list[float]]:
        """Of the options of each choice when it was settled, or now."""
        last = {name: count - 1 for name, count in self.open_rows.items() if count}
        return {
            name: self.rows[row].probabilities[name]
            for name, row in last.items()
            if name in self.rows[row].probabilities
        }


def read_story(folder: Path) -> Story:
    """Read what is in the folder of a search, or of one weight of a sweep.

    Raises:
        RecipeError: there is no recipe, neither here nor, for one weight, above.
        SearchError: a winner is damaged.
    """
    recipe = _recipe(folder)
    winner = Winner.read(folder) if (folder / WINNER).is_file() else None
    if isinstance(recipe.latency.weight, list):
        weights = recipe.latency.weight
        parts = [_one(folder / f"{SWEPT}{weight:g}", _with_weight(recipe, weight)) for weight in weights]
        return Story(folder, recipe, winner=winner, parts=parts)
    return _one(folder, recipe)


def _one(folder: Path, recipe: SearchRecipe) -> Story:
    lines = read_trials(folder)
    losses = [float("inf") if line["loss"] is None else line["loss"] for line in lines]
    return Story(
        folder=folder,
        recipe=recipe,
        rows=read_course(folder),
        trials=[Trial(line["genotype"], loss, line["milliseconds"]) for line, loss in zip(lines, losses, strict=True)],
        trial_seconds=[line["seconds"] for line in lines],
        winner=Winner.read(folder) if (folder / WINNER).is_file() else None,
    )


def _recipe(folder: Path) -> SearchRecipe:
    """That of the folder, or that of the sweep above it with the weight of the folder."""
    above = folder.resolve().parent / RECIPE
    if (folder / RECIPE).is_file() or not folder.resolve().name.startswith(SWEPT) or not above.is_file():
        return read_search(folder / RECIPE)
    recipe = read_search(above)
    weights = recipe.latency.weight if isinstance(recipe.latency.weight, list) else []
    for weight in weights:
        if folder.resolve().name == f"{SWEPT}{weight:g}":
            return _with_weight(recipe, weight)
    raise SearchError(f"{folder}: no weight of the sweep in {above}, which has {weights}; name one of its folders")


def _with_weight(recipe: SearchRecipe, weight: float) -> SearchRecipe:
    return dataclasses.replace(recipe, latency=dataclasses.replace(recipe.latency, weight=weight))
