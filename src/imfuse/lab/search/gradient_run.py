"""A search by gradients from beginning to end in its folder: go on, log, settle what a stage has decided, derive."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from imfuse.lab.data.batches import StepBatches
from imfuse.lab.data.halves import HALVES, half_of
from imfuse.lab.data.patches import left_out, make_sampler
from imfuse.lab.search.checkpoint import load_search_state, save_search_state
from imfuse.lab.search.collapse import collapse, undecided
from imfuse.lab.search.derive import derive
from imfuse.lab.search.gradient_search import Batches, GradientSearch, active_logits
from imfuse.lab.search.networks import make_supernet, stage_objectives
from imfuse.lab.search.penalty import TimePenalty
from imfuse.lab.search.recipe import SearchRecipe, search_sha256
from imfuse.lab.search.record import CHECKPOINT, COURSE, LOGS, Row, append_line, cut_course
from imfuse.lab.search.retraining import space_of
from imfuse.lab.search.times import Times
from imfuse.lab.training.logbook import Logbook
from imfuse.lab.training.stopping import StopRequest


@dataclass(frozen=True)
class Found:
    """What a search ended with.

    Attributes:
        genotype: the network.
        loss: its search loss, as the strategy measures it.
        seconds: that the search took in all.
        notes: warnings.
    """

    genotype: Any
    loss: float
    seconds: float
    notes: tuple[str, ...]


class GradientRun:
    """One process of a search by gradients in a folder.

    Args:
        recipe: with one weight of the time.
        folder: gets the course, the logs and the checkpoints.
        fabric: device and processes.
        times: of all networks of the space.
    """

    def __init__(self, recipe: SearchRecipe, folder: Path, fabric: Fabric, times: Times) -> None:
        self.recipe, self.folder, self.fabric, self.times = recipe, folder, fabric, times
        self.space, self.sha256 = space_of(recipe), search_sha256(recipe)
        torch.manual_seed(recipe.seed)
        supernet = make_supernet(recipe)
        fabric.to_device(supernet)
        self.sampler = make_sampler(recipe.data, recipe.sources, recipe.seed)
        process = (fabric.global_rank, fabric.world_size)
        halves = (StepBatches(half_of(self.sampler, half), recipe.data.batch, *process) for half in HALVES)
        latency = recipe.latency
        assert not isinstance(latency.weight, list)
        penalty = TimePenalty(times.expected, times.overhead_ms, latency.weight, latency.budget_ms)
        objectives = stage_objectives(recipe, fabric)
        self.search = GradientSearch(recipe, fabric, supernet, objectives, Batches(*halves), penalty)
        self.done, self.seconds = self._go_on()

    def _go_on(self) -> tuple[int, float]:
        path = self.folder / CHECKPOINT
        return load_search_state(path, self.search, self.sha256) if path.is_file() else (0, 0.0)

    def finish(self) -> Found | None:
        """Update until the search is done; None where somebody asked to stop before."""
        start = time.monotonic() - self.seconds
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            logbook = self._open_logbook(stack)
            for step in range(self.done, self.search.steps):
                values = self.search.update(step)
                self.done, self.seconds = step + 1, time.monotonic() - start
                self._settle(step)
                stopping = self._anywhere(stop.requested)
                if logbook:
                    self._log(logbook, values, stopping)
                if stopping and self.done < self.search.steps:
                    return None
            return self._found(logbook)

    def _open_logbook(self, stack: ExitStack) -> Logbook | None:
        if not self.fabric.is_global_zero:
            return None
        cut_course(self.folder, self.done)
        logbook = stack.enter_context(Logbook(self.folder / LOGS, self.done, self.search.steps, "searching"))
        for text in left_out(self.sampler):
            logbook.note(text)
        return logbook

    def _anywhere(self, requested: bool) -> bool:
        """Whether any process was asked to stop, so that all stop together."""
        if self.fabric.world_size == 1:
            return requested
        flag = torch.tensor(float(requested), device=self.fabric.device)
        return bool(self.fabric.all_reduce(flag, reduce_op="max"))

    def _settle(self, step: int) -> None:
        """Once a stage is done, what it decided stands, so that the next searches inside of it."""
        number, stage = self.search.stage(step)
        last = self.done == self.search.steps
        if stage is None or (not last and self.search.stage(self.done)[0] == number):
            return
        supernet = self.search.supernet
        decided = {supernet.choice_of(name).name for name in active_logits(supernet, stage)}
        picks = {**supernet.picks(), **self.space.picks(self._derived())}
        if not last:
            supernet.settle({**supernet.settled, **{name: picks[name] for name in decided}})

    def _derived(self) -> Any:
        """The genotype of the present probabilities, within the budget."""
        probabilities = {name: p.tolist() for name, p in self.search.supernet.probabilities().items()}
        return derive(self.space, probabilities, self.times.call_ms, self.recipe.latency.budget_ms)

    def _log(self, logbook: Logbook, values: dict[str, float], stopping: bool) -> None:
        recipe, last = self.recipe, self.done == self.search.steps
        logbook.advance(self.done)
        if last or self.done % recipe.log_every == 0:
            supernet = self.search.supernet
            probabilities = {name: p.tolist() for name, p in supernet.probabilities().items()}
            stage = self.search.stage(self.done - 1)[0]
            genotype = str(self.space.genotype(supernet.picks()))
            append_line(self.folder / COURSE, asdict(Row(self.done, stage, values, probabilities, genotype)))
            likeliest = {f"probability_{name}": max(p) for name, p in probabilities.items()}
            logbook.scalars(self.done, values, likeliest)
        if last or stopping or self.done % recipe.checkpoint_every == 0:
            save_search_state(self.folder / CHECKPOINT, self.search, self.done, self.seconds, self.sha256)

    def _found(self, logbook: Logbook | None) -> Found:
        genotype = self._derived()
        probabilities = {name: p.tolist() for name, p in self.search.supernet.probabilities().items()}
        loss = self.search.judge(self.space.picks(genotype), self.recipe.trials.validation)
        notes = (collapse(self.space, genotype, self.times.call_ms), undecided(self.space, probabilities))
        said = tuple(note for note in notes if note)
        for note in said if logbook else ():
            logbook.note(note)  # type: ignore[union-attr]
        return Found(genotype, loss, self.seconds, said)
