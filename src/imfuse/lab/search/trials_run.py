"""A search by short trainings of single networks, at random or by evolution, from beginning to end in its folder."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from imfuse.lab.data.batches import StepBatches
from imfuse.lab.data.halves import HALVES, half_of
from imfuse.lab.data.patches import make_sampler
from imfuse.lab.search.gradient_run import Found
from imfuse.lab.search.networks import make_network
from imfuse.lab.search.pareto import best
from imfuse.lab.search.proxy import ProxyEvaluation
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.record import TRIALS, append_line, read_trials, trial_line
from imfuse.lab.search.retraining import candidate, genotype_of, space_of
from imfuse.lab.search.strategies import Trial, evolution, random_search
from imfuse.lab.search.times import Times
from imfuse.lab.training.recipe_objective import recipe_objective
from imfuse.lab.training.stopping import StopRequest


class TrialsRun:
    """Trains candidates one after the other, and keeps the best.

    Args:
        recipe: with one weight of the time.
        folder: gets a line for each candidate.
        times: of all networks of the space.
        device: that candidates are trained on.
    """

    def __init__(self, recipe: SearchRecipe, folder: Path, times: Times, device: str) -> None:
        self.recipe, self.folder, self.times, self.space = recipe, folder, times, space_of(recipe)
        sampler = make_sampler(recipe.data, recipe.sources, recipe.seed)
        training, validation = (StepBatches(half_of(sampler, half), recipe.data.batch) for half in HALVES)
        assert not isinstance(recipe.latency.weight, list)
        self.weight = recipe.latency.weight if recipe.latency.budget_ms is None else 0.0
        done = read_trials(folder)
        self.former = [
            Trial(genotype_of(recipe, row["genotype"]), _loss(row["loss"]), row["milliseconds"]) for row in done
        ]
        self.seconds = sum(row["seconds"] for row in done)
        self.evaluate = ProxyEvaluation(
            make_network,
            training.__getitem__,
            validation.__getitem__,
            recipe_objective(candidate(recipe, self.space.genotype(_zeros(self.space)))),
            recipe.optimiser,
            steps=recipe.trials.steps,
            validation_batches=recipe.trials.validation,
            seed=recipe.seed,
            device=device,
        )

    def finish(self) -> Found | None:
        """Try candidates until all are done; None where somebody asked to stop before."""
        recipe, trials = self.recipe, self.recipe.trials
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            progress = stack.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
            bar = progress.add_task(recipe.strategy, total=trials.candidates, completed=len(self.former))
            self.clock = time.monotonic()

            def report(trial: Trial[Any]) -> None:
                self._keep(trial, console)
                progress.update(bar, advance=1, description=f"{trial.loss:.4f} {trial.milliseconds:.1f} ms")
                if stop.requested:
                    raise _StoppedError

            try:
                found = self._search(report)
            except _StoppedError:
                return None
        chosen = best(found, self.weight)
        return Found(chosen.genotype, chosen.loss, self.seconds, ())

    def _search(self, report: Any) -> list[Trial[Any]]:
        recipe, trials = self.recipe, self.recipe.trials
        common = {
            "candidates": trials.candidates,
            "budget_ms": recipe.latency.budget_ms,
            "seed": recipe.seed,
            "done": self.former,
            "report": report,
        }
        if recipe.strategy == "random":
            return random_search(self.space, self.evaluate, self.times.call_ms, **common)
        own = {"population": trials.population, "tournament": trials.tournament, "weight": self.weight}
        return evolution(self.space, self.evaluate, self.times.call_ms, **own, **common)

    def _keep(self, trial: Trial[Any], console: Console) -> None:
        seconds, self.clock = time.monotonic() - self.clock, time.monotonic()
        self.seconds += seconds
        append_line(self.folder / TRIALS, trial_line(trial, seconds))
        if not console.is_terminal:
            text = f"{trial.genotype}  loss {trial.loss:.4f}  {trial.milliseconds:.2f} ms  {seconds:.1f} s"
            console.print(text, highlight=False, soft_wrap=True, markup=False)


class _StoppedError(Exception):
    """Somebody asked to stop; what was tried is kept."""


def _loss(value: float | None) -> float:
    return float("inf") if value is None else value


def _zeros(space: Any) -> dict[str, int]:
    return {choice.name: 0 for choice in space.choices}
