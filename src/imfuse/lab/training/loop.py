"""The training loop, on Lightning Fabric: one process or many, on CPU or GPU, by the same call.

Every batch depends on (seed, step) alone, so that a resumed training equals an uninterrupted one to the bit (on a CPU;
some GPU kernels add in no fixed order), and that many processes see the same global batch as one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from imfuse.lab.data.batches import FusionBatch, StepBatches, step_loader
from imfuse.lab.data.patches import left_out, make_sampler
from imfuse.lab.losses.objective import Objective as WeightedTerms
from imfuse.lab.training import optimisation
from imfuse.lab.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint, save_tensors
from imfuse.lab.training.example import example_picture, example_sources
from imfuse.lab.training.logbook import Logbook
from imfuse.lab.training.network import Images, recipe_network, size_multiple
from imfuse.lab.training.recipe import Recipe, recipe_sha256
from imfuse.lab.training.recipe_objective import recipe_objective
from imfuse.lab.training.run_folder import RunFolder
from imfuse.lab.training.stopping import StopRequest

Objective = Callable[[Images, Tensor], tuple[Tensor, dict[str, Tensor]]]
"""(what the network makes, sources `(b, n, h, w)`) -> the total, and the value of each term without its weight."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        steps_before: updates that were done before this call.
        steps_done: updates that are done now.
        finished: whether the recipe's updates are complete.
    """

    steps_before: int
    steps_done: int
    finished: bool


def train(
    recipe: Recipe,
    folder: Path,
    *,
    restart: bool = False,
    network: nn.Module | None = None,
    objective: Objective | None = None,
) -> Outcome:
    """Train as the recipe says, going on from what `folder` holds.

    Args:
        recipe: everything that decides the weights.
        folder: gets the resolved recipe, checkpoints, logs, and `weights.safetensors` at the end.
        restart: begin again whatever the folder holds.
        network: in place of the recipe's model, with first weights that are the same in every process.
        objective: in place of the recipe's objective.

    Raises:
        RecipeError: the data or the model do not fit the recipe.
        TrainingError: the folder holds another training, or a value is not finite.
    """
    run = RunFolder(folder)
    before = 0 if restart else run.steps_done(recipe)
    if before >= recipe.optimiser.steps:
        return Outcome(before, before, finished=True)
    fabric = Fabric(
        accelerator=recipe.machine.accelerator,
        devices=recipe.machine.devices,
        num_nodes=recipe.machine.nodes,
        precision=recipe.precision,
    )
    fabric.launch()
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        if network is None:
            torch.manual_seed(recipe.seed)
            network = recipe_network(recipe)
        objective = objective or recipe_objective(recipe, network)
        training = _Training(fabric, recipe, run, network=network, objective=objective)
        training.open_folder(restart=restart)
        return training.run_steps()


class _Training:
    """One process of a training."""

    def __init__(
        self, fabric: Fabric, recipe: Recipe, run: RunFolder, *, network: nn.Module, objective: Objective
    ) -> None:
        self.fabric, self.recipe, self.run = fabric, recipe, run
        self.sampler = make_sampler(recipe.data, recipe.sources, recipe.seed)
        self.batches = StepBatches(self.sampler, recipe.data.batch, fabric.global_rank, fabric.world_size)
        self.multiple = size_multiple(network, recipe)
        average = fabric.to_device(copy.deepcopy(network).requires_grad_(False).eval())
        optimiser = optimisation.make_optimiser(network, recipe.optimiser)
        self.model, self.optimiser = fabric.setup(network, optimiser)
        self.state = TrainingState(network, average, optimiser)
        self.objective = _on_device(objective, fabric)
        self.sha256 = recipe_sha256(recipe)

    def open_folder(self, *, restart: bool) -> None:
        """Prepare the folder, once for all processes, and go back to its checkpoint where there is one."""
        if self.fabric.is_global_zero:
            self.run.prepare(self.recipe, restart=restart)
        self.fabric.barrier()
        exists = self.run.checkpoint.is_file()
        self.start = load_checkpoint(self.run.checkpoint, self.state) if exists else 0

    def run_steps(self) -> Outcome:
        """Update until the recipe is done or somebody asks to stop."""
        recipe, done = self.recipe, self.start
        loader = step_loader(self.batches, range(self.start, recipe.optimiser.steps), recipe.data.workers)
        loader = self.fabric.setup_dataloaders(loader, use_distributed_sampler=False)
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            self.logbook = None
            if self.fabric.is_global_zero:
                self.logbook = stack.enter_context(Logbook(self.run.logs, self.start, recipe.optimiser.steps))
                for text in left_out(self.sampler):
                    self.logbook.note(text)
                self.example = example_sources(self.sampler, self.multiple).to(self.fabric.device)
            for step, batch in enumerate(loader, start=self.start):
                stopping = self._update(step, batch, stop)
                done = step + 1
                self._keep(done, stopping)
                if stopping:
                    break
        return Outcome(self.start, done, finished=done == recipe.optimiser.steps)

    def _update(self, step: int, batch: FusionBatch, stop: StopRequest) -> bool:
        """One update of the weights; returns whether any process was asked to stop."""
        recipe = self.recipe
        rate = optimisation.learning_rate(step, recipe.optimiser)
        optimisation.set_learning_rate(self.state.optimiser, rate)
        torch.manual_seed(recipe.seed * 1_000_003 + step)  # for networks that draw, such as by dropout
        weights = self._weights_of(step)
        total, terms = self.objective(self.model(batch.sources), batch.targets)
        values, stopping = self._over_processes({"total": total, **terms}, stop)
        optimisation.check_terms({name: values[name] for name in (*terms, "total")}, step)  # the culprit, not the sum
        self.fabric.backward(total)
        norm = optimisation.clip_gradients(self.state.network, recipe.optimiser.gradient_clip, step)
        self.optimiser.step()
        self.optimiser.zero_grad()
        optimisation.update_average(self.state.average, self.state.network, recipe.optimiser.ema, step)
        if self.logbook and (step + 1) % recipe.log_every == 0:
            self.logbook.scalars(step + 1, values, {"learning_rate": rate, "gradient_norm": norm, **weights})
        return stopping

    def _weights_of(self, step: int) -> dict[str, float]:
        """Give the objective the weights of this step, and return those that change, by the names of their logs."""
        if not isinstance(self.objective, WeightedTerms):
            return {}
        scheduled = self.objective.at(step / self.recipe.optimiser.steps).scheduled
        return {f"weight_{name}": weight for name, weight in scheduled.items()}

    def _over_processes(self, values: dict[str, Tensor], stop: StopRequest) -> tuple[dict[str, float], bool]:
        """Means over all processes, so that all of them log, stop and fail together."""
        flag = torch.tensor(float(stop.requested), device=self.fabric.device)
        vector = torch.stack([*(value.detach().float() for value in values.values()), flag])
        means: Any = self.fabric.all_reduce(vector, reduce_op="mean")
        *terms, asked = means.tolist()
        return dict(zip(values, terms, strict=True)), asked > 0

    def _keep(self, done: int, stopping: bool) -> None:
        """Checkpoint, example picture and bar, each when it is due; by the first process only."""
        if not self.logbook:
            return
        recipe, last = self.recipe, done == self.recipe.optimiser.steps
        self.logbook.advance(done)
        if last or done % recipe.picture_every == 0:
            self.logbook.picture(done, example_picture(self.state.average, self.example))
        if last:
            save_tensors(self.run.weights, self.state.average.state_dict(), {"recipe_sha256": self.sha256})
        if last or stopping or done % recipe.checkpoint_every == 0:
            save_checkpoint(self.run.checkpoint, self.state, done, self.sha256)


def _on_device(objective: Objective, fabric: Fabric) -> Objective:
    return fabric.to_device(objective) if isinstance(objective, nn.Module) else objective
