"""A search by short trainings of single networks, at random or by evolution, from beginning to end in its folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from imfuse.lab.search.material import Material, make_material
from imfuse.lab.search.networks import make_network
from imfuse.lab.search.pareto import best
from imfuse.lab.search.proxy import ProxyEvaluation
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.record import LOGS, TRIALS, Found, append_line, cut_trials, read_trials, trial_line
from imfuse.lab.search.retraining import genotype_of, space_of
from imfuse.lab.search.strategies import Trial, evolution, random_search
from imfuse.lab.search.times import Times
from imfuse.lab.training.logbook import Logbook
from imfuse.lab.training.stopping import StopRequest


class TrialsRun:
    """Trains candidates one after the other, and keeps the best.

    Args:
        recipe: with one weight of the time.
        folder: gets a line for each candidate, and the logs.
        times: of all networks of the space.
        device: that candidates are trained on.
        material: of the recipe; made here if None.
        kept: called after each candidate.

    Raises:
        RecipeError: the images or a value of the recipe do not do.
        SearchError: the folder's lines are damaged.
    """

    def __init__(
        self,
        recipe: SearchRecipe,
        folder: Path,
        times: Times,
        device: str,
        *,
        material: Material | None = None,
        kept: Callable[[], None] = lambda: None,
    ) -> None:
        self.recipe, self.folder, self.times, self.space, self.kept = recipe, folder, times, space_of(recipe), kept
        self.material = material or make_material(recipe, Fabric(accelerator="cpu", devices=1))
        batches = self.material.batches
        assert not isinstance(recipe.latency.weight, list)
        self.weight = recipe.latency.weight if recipe.latency.budget_ms is None else 0.0
        cut_trials(folder)
        rows = read_trials(folder)
        self.trials = [
            Trial(genotype_of(recipe, row["genotype"]), _loss(row["loss"]), row["milliseconds"]) for row in rows
        ]
        self.seconds = sum(row["seconds"] for row in rows)
        self.evaluate = ProxyEvaluation(
            make_network,
            batches.training.__getitem__,
            batches.validation.__getitem__,
            self.material.objectives[""],
            recipe.optimiser,
            steps=recipe.trials.steps,
            validation_batches=recipe.trials.validation,
            seed=recipe.seed,
            device=device,
        )

    def finish(self) -> Found | None:
        """Try candidates until all are done; None where somebody asked to stop before.

        Raises:
            SearchError: hardly any network keeps the budget, all diverge, or the lines are those of another search.
        """
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            candidates, done = self.recipe.trials.candidates, len(self.trials)
            logbook = stack.enter_context(Logbook(self.folder / LOGS, done, candidates, self.recipe.strategy))
            for text in self.material.left_out:
                logbook.note(text)
            self.clock = time.monotonic()

            def report(trial: Trial[Any]) -> None:
                self._keep(trial, logbook)
                if stop.requested and len(self.trials) < candidates:
                    raise _StoppedError

            try:
                found = self._search(report)
            except _StoppedError:
                return None
        chosen = best(found, self.weight)
        return Found(chosen.genotype, chosen.loss, self.seconds)

    def _search(self, report: Callable[[Trial[Any]], None]) -> list[Trial[Any]]:
        recipe, trials = self.recipe, self.recipe.trials
        common: dict[str, Any] = {
            "candidates": trials.candidates,
            "budget_ms": recipe.latency.budget_ms,
            "seed": recipe.seed,
            "done": tuple(self.trials),
            "report": report,
        }
        if recipe.strategy == "random":
            return random_search(self.space, self.evaluate, self.times.call_ms, **common)
        own = {"population": trials.population, "tournament": trials.tournament, "weight": self.weight}
        return evolution(self.space, self.evaluate, self.times.call_ms, **own, **common)

    def _keep(self, trial: Trial[Any], logbook: Logbook) -> None:
        seconds = time.monotonic() - self.clock
        self.seconds += seconds
        self.trials.append(trial)
        append_line(self.folder / TRIALS, trial_line(trial, seconds))
        done = len(self.trials)
        logbook.advance(done)
        logbook.note(f"{done}/{self.recipe.trials.candidates}  {_sentence(trial, seconds)}")
        if math.isfinite(trial.loss):
            logbook.writer.add_scalar("loss/search_loss", trial.loss, done)
            logbook.writer.add_scalar("training/milliseconds", trial.milliseconds, done)
        self.kept()
        self.clock = time.monotonic()


class _StoppedError(Exception):
    """Somebody asked to stop; what was tried is kept."""


def _sentence(trial: Trial[Any], seconds: float) -> str:
    """What became of a candidate.

    >>> _sentence(Trial("x1 w4 blend", 0.5, 3.25), 1.04)
    'x1 w4 blend: 3.25 ms, search loss 0.5000, 1.0 s'
    """
    loss = f"search loss {trial.loss:.4f}" if math.isfinite(trial.loss) else "diverged"
    return f"{trial.genotype}: {trial.milliseconds:.2f} ms, {loss}, {seconds:.1f} s"


def _loss(value: float | None) -> float:
    return math.inf if value is None else value
