"""A search by gradients from beginning to end in its folder: go on, log, settle what a stage has decided, derive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from imfuse.lab.search.checkpoint import load_search_state, save_search_state
from imfuse.lab.search.collapse import dead, undecided
from imfuse.lab.search.derive import derive
from imfuse.lab.search.gradient_search import GradientSearch, active_logits
from imfuse.lab.search.material import Material, make_material
from imfuse.lab.search.networks import make_supernet
from imfuse.lab.search.penalty import TimePenalty
from imfuse.lab.search.recipe import SearchRecipe, search_sha256
from imfuse.lab.search.record import CHECKPOINT, COURSE, LOGS, Found, Row, append_line, cut_course, read_course
from imfuse.lab.search.retraining import space_of
from imfuse.lab.search.room import derive_with_room
from imfuse.lab.search.times import Times
from imfuse.lab.training.logbook import Logbook
from imfuse.lab.training.stopping import StopRequest


class GradientRun:
    """One process of a search by gradients in a folder.

    Args:
        recipe: with one weight of the time.
        folder: gets the course, the logs and the checkpoints.
        fabric: device and processes.
        times: of all networks of the space.
        material: of the recipe; made here if None.
        kept: called by the first process after each checkpoint.

    Raises:
        RecipeError: the images or a value of the recipe do not do.
        SearchError: the folder's checkpoint is damaged, or belongs to another search.
    """

    def __init__(
        self,
        recipe: SearchRecipe,
        folder: Path,
        fabric: Fabric,
        times: Times,
        *,
        material: Material | None = None,
        kept: Callable[[], None] = lambda: None,
    ) -> None:
        self.recipe, self.folder, self.fabric, self.times, self.kept = recipe, folder, fabric, times, kept
        self.space, self.sha256 = space_of(recipe), search_sha256(recipe)
        self.material = material or make_material(recipe, fabric)
        torch.manual_seed(recipe.seed)
        supernet = make_supernet(recipe)
        fabric.to_device(supernet)
        latency = recipe.latency
        assert not isinstance(latency.weight, list)
        penalty = TimePenalty(times.expected, times.overhead_ms, latency.weight, latency.budget_ms)
        batches, objectives = self.material.batches, self.material.objectives
        self.search = GradientSearch(recipe, fabric, supernet, objectives, batches, penalty)
        path = folder / CHECKPOINT
        self.done, self.seconds = load_search_state(path, self.search, self.sha256) if path.is_file() else (0, 0.0)

    def finish(self) -> Found | None:
        """Update until the search is done; None where somebody asked to stop before.

        Raises:
            TrainingError: a loss or a gradient is not finite; the last checkpoint stays.
            SearchError: no network of the space keeps the budget.
        """
        start = time.monotonic() - self.seconds
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            logbook = self._open_logbook(stack)
            for step in range(self.done, self.search.steps):
                values = self.search.update(step)
                self.done, self.seconds = step + 1, time.monotonic() - start
                self._settle()
                stopping = self._anywhere(stop.requested)
                if logbook:
                    self._log(logbook, values, stopping)
                if stopping and self.done < self.search.steps:
                    return None
            return self._found()

    def _open_logbook(self, stack: ExitStack) -> Logbook | None:
        if not self.fabric.is_global_zero:
            return None
        cut_course(self.folder, self.done)
        logbook = stack.enter_context(Logbook(self.folder / LOGS, self.done, self.search.steps, "searching"))
        for text in self.material.left_out:
            logbook.note(text)
        return logbook

    def _anywhere(self, requested: bool) -> bool:
        """Whether any process was asked to stop, so that all stop together."""
        if self.fabric.world_size == 1:
            return requested
        flag = torch.tensor(float(requested), device=self.fabric.device)
        return bool(self.fabric.all_reduce(flag, reduce_op="max"))

    def _settle(self) -> None:
        """Once a stage is done and another follows, what it decided stands, so that the next searches inside of it."""
        number, stage = self.search.stage(self.done - 1)
        if stage is None or self.done == self.search.steps or self.search.stage(self.done)[0] == number:
            return
        supernet = self.search.supernet
        decided = {supernet.choice_of(name).name for name in active_logits(supernet, stage)}
        budget = self.recipe.latency.budget_ms
        settled = {*decided, *supernet.settled}
        genotype = derive_with_room(self.space, self._probabilities(), settled, self.times, budget)
        picks = {**supernet.picks(), **self.space.picks(genotype)}
        supernet.settle({**supernet.settled, **{name: picks[name] for name in decided}})

    def _probabilities(self) -> dict[str, list[float]]:
        return {name: p.tolist() for name, p in self.search.supernet.probabilities().items()}

    def _log(self, logbook: Logbook, values: dict[str, float], stopping: bool) -> None:
        """Logged values and the checkpoint, each when it is due; by the first process only."""
        recipe, last = self.recipe, self.done == self.search.steps
        logbook.advance(self.done)
        if last or self.done % recipe.log_every == 0:
            probabilities = self._probabilities()
            stage = self.search.stage(self.done - 1)[0]
            genotype = str(self.space.genotype(self.search.supernet.picks()))
            append_line(self.folder / COURSE, asdict(Row(self.done, stage, values, probabilities, genotype)))
            likeliest = {f"probability_{name}": max(p) for name, p in probabilities.items()}
            losses = {name: value for name, value in values.items() if name.endswith("_loss")}
            logbook.scalars(
                self.done,
                losses,
                {name: value for name, value in {**values, **likeliest}.items() if name not in losses},
            )
        if last or stopping or self.done % recipe.checkpoint_every == 0:
            save_search_state(self.folder / CHECKPOINT, self.search, self.done, self.seconds, self.sha256)
            self.kept()

    def _found(self) -> Found:
        probabilities = self._probabilities()
        genotype: Any = derive(self.space, probabilities, self.times.call_ms, self.recipe.latency.budget_ms)
        picks = self.space.picks(genotype)
        loss = self.search.judge(picks, self.recipe.trials.validation)
        # The first process alone writes the course, and the winner with its notes.
        return Found(genotype, loss, self.seconds, tuple(self._doubts(picks)) if self.fabric.is_global_zero else ())

    def _doubts(self, picks: Mapping[str, int]) -> Iterator[str]:
        """What is to be said of stages without a gradient, and of levels that the search did not decide."""
        before = self.search.supernet.probabilities(settled=False)
        values = {name: probability.tolist() for name, probability in before.items()}
        for stage in range(len(self.recipe.gradient.stages)):
            norms = [row.values["architecture_gradient"] for row in read_course(self.folder) if row.stage == stage]
            if note := dead(norms, self.recipe.log_every):
                yield note
        there = {choice.level for choice in self.space.choices if choice.name in picks}
        searched = {level for stage in self.recipe.gradient.stages for level in stage.levels}
        for level in ("macro", "micro"):
            if level in there & searched and (note := undecided(self.space, values, level)):
                yield note
