"""The search by gradients: a supernet whose weights and architecture are updated in turn, stage by stage.

The weights follow the training loss on one half of the scenes. The architecture follows the search loss on the other
half, plus the time that the network is expected to take: L_a = L_F + lambda LAT (Liu et al., TPAMI 2024 and ACM MM
2021). Every draw depends on (seed, step) alone, so that a resumed search equals an uninterrupted one, on a CPU to
the bit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from imfuse.errors import TrainingError
from imfuse.lab.data.batches import FusionBatch
from imfuse.lab.losses.objective import Objective as WeightedTerms
from imfuse.lab.search.hypergradient import Bilevel, hypergradient, module_loss
from imfuse.lab.search.judging import judged
from imfuse.lab.search.material import Batches
from imfuse.lab.search.paths import Budget
from imfuse.lab.search.penalty import TimePenalty
from imfuse.lab.search.recipe import SearchRecipe, Stage
from imfuse.lab.search.relaxed_network import RelaxedNetwork
from imfuse.lab.training import optimisation
from imfuse.lab.training.loop import Objective

DRAWS = 1_000_003
"""Apart from each other, the seeds of two searches must not meet in the seeds of their steps."""


@dataclass
class GradientSearch:
    """One process of a search.

    Attributes:
        recipe: everything that decides it.
        fabric: device and processes.
        supernet: bare, on the device; its gradients are averaged over the processes here.
        objectives: by the name of the image whose terms count; under the empty name, that of all terms.
        batches: of this process.
        penalty: of the expected time.
    """

    recipe: SearchRecipe
    fabric: Fabric
    supernet: RelaxedNetwork
    objectives: Mapping[str, Objective]
    batches: Batches
    penalty: TimePenalty

    def __post_init__(self) -> None:
        gradient = self.recipe.gradient
        self.steps = gradient.steps
        self.rates = dataclasses.replace(self.recipe.optimiser, steps=self.steps)
        parameters = dict(self.supernet.named_parameters())
        self.weights = {name: parameters[name] for name in self.supernet.weight_names()}
        # Frozen for the updates of the weights; hypergradients put tensors of their own in the place of logits.
        self.logits = {n: p.requires_grad_(False) for n, p in parameters.items() if n not in self.weights}
        self.weight_optimiser = optimisation.make_optimiser(self.supernet, self.rates)
        self.architecture_optimiser = torch.optim.Adam(
            self.logits.values(), lr=gradient.architecture_rate, betas=(0.5, 0.999)
        )
        self.average = self._mean if self.fabric.world_size > 1 else None
        # Only networks that keep the budget are drawn, so that the loss alone decides among those that may be derived.
        # Else the large ones of a space, far above any budget, make the penalty drive all to their cheapest options.
        limit = self.penalty.budget_ms
        self.budget = Budget(self._milliseconds, math.inf if limit is None else limit)
        self.supernet.train()

    def stage(self, step: int) -> tuple[int, Stage | None]:
        """As of the recipe."""
        return self.recipe.gradient.stage(step)

    def update(self, step: int) -> dict[str, float]:
        """One update of the architecture, but in the warm-up, and one of the weights; returns what is logged.

        Raises:
            TrainingError: a loss or a gradient is not finite.
        """
        _, stage = self.stage(step)
        seed = self.recipe.seed * DRAWS + step
        torch.manual_seed(seed)
        self.supernet.draw(seed, self.budget)
        batch = self._on_device(self.batches.training[step])
        objective = self._objective(stage.image if stage else "", step / self.steps)
        values = {} if stage is None else self._update_architecture(stage, step, batch, objective)
        return {"training_loss": self._update_weights(step, batch, objective), **values}

    @torch.no_grad()
    def judge(self, picks: Mapping[str, int], batches: int) -> float:
        """The mean search loss of one network of the supernet over batches of the validation half.

        Weights of the objective that are scheduled count as at the end.
        """
        objective, losses, settled = self._objective("", 1.0), [], dict(self.supernet.settled)
        self.supernet.settle({**self.supernet.picks(), **picks})
        for number in range(batches):
            batch = self._on_device(self.batches.validation[self.steps + number])
            losses.append(judged(objective, self.supernet(batch.sources), batch.targets)[0])
        self.supernet.settle(settled)
        return self._means({"loss": torch.stack(losses).mean()})["loss"]

    @torch.no_grad()
    def _milliseconds(self, picks: Mapping[str, int]) -> float:
        """Of a call of the network of these picks."""
        return float(self.penalty(self.supernet.one_hot(picks))[1])

    def _objective(self, image: str, progress: float) -> Objective:
        """The objective of a stage's image, its scheduled weights as at this share of the search."""
        objective = self.objectives[image]
        return objective.at(progress) if isinstance(objective, WeightedTerms) else objective

    def _update_architecture(
        self, stage: Stage, step: int, batch: FusionBatch, objective: Objective
    ) -> dict[str, float]:
        """Follow the hypergradient with those logits that the stage decides."""
        names, gradient = active_logits(self.supernet, stage), self.recipe.gradient
        validation = self._on_device(self.batches.validation[step])
        with torch.no_grad():
            penalty, milliseconds = self.penalty(self.supernet.probabilities())
        problem = self.problem(names, batch, validation, objective)
        found = hypergradient(gradient.hypergradient, problem, **gradient.options)
        values = {
            "search_loss": float(found.outer.detach() - penalty),
            "milliseconds": float(milliseconds),
            "architecture_gradient": float(torch.cat([slope.reshape(-1) for slope in found.architecture]).norm()),
        }
        losses = {"training_loss": float(found.inner.detach()), "search_loss": values["search_loss"]}
        optimisation.check_terms(losses, step)
        for name, slope in zip(names, found.architecture, strict=True):
            if not bool(torch.isfinite(slope).all()):
                raise TrainingError(
                    f"step {step}: the gradient of {name} by {gradient.hypergradient} is not finite; the last "
                    "checkpoint is untouched. Lower optimiser.learning_rate, or choose another hypergradient"
                )
            self.logits[name].grad = slope
        self.architecture_optimiser.step()
        self.architecture_optimiser.zero_grad()  # so that the norm of the weights' gradient is theirs alone
        return values

    def problem(
        self, names: Sequence[str], training: FusionBatch, validation: FusionBatch, objective: Objective
    ) -> Bilevel:
        """What a hypergradient is of: the loss of the weights on one batch, that of some logits on another one.

        Args:
            names: of the logits, among the parameters.
            training: batch of L.
            validation: batch of L_a, to which the time is added.
            objective: of both.
        """
        make = partial(module_loss, self.supernet, list(self.weights), names)
        fit = make(lambda call: judged(objective, call(training.sources), training.targets)[0])
        judge = make(lambda call: judged(objective, call(validation.sources), validation.targets)[0])

        def outer(theta: tuple[Tensor, ...], alpha: tuple[Tensor, ...]) -> Tensor:
            probabilities = self.supernet.probabilities(dict(zip(names, alpha, strict=True)))
            return judge(theta, alpha) + self.penalty(probabilities)[0]

        point = (tuple(self.weights.values()), tuple(self.logits[name] for name in names))
        return Bilevel(fit, outer, *point, reduce=self.average)

    def _update_weights(self, step: int, batch: FusionBatch, objective: Objective) -> float:
        optimisation.set_learning_rate(self.weight_optimiser, optimisation.learning_rate(step, self.rates))
        total, terms = objective(self.supernet(batch.sources), batch.targets)
        values = self._means({**terms, "total": total})
        optimisation.check_terms(values, step)
        slopes = torch.autograd.grad(total, list(self.weights.values()), allow_unused=True)
        for parameter, slope in zip(self.weights.values(), self._averaged(slopes), strict=True):
            parameter.grad = slope
        optimisation.clip_gradients(self.supernet, self.rates.gradient_clip, step)
        self.weight_optimiser.step()
        self.weight_optimiser.zero_grad()
        return values["total"]

    def _means(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        """Means over the processes, so that all of them log, derive and fail together."""
        vector = torch.stack([value.detach().float() for value in values.values()])
        means = vector if self.average is None else self.average(vector)
        return dict(zip(values, means.tolist(), strict=True))

    def _averaged(self, slopes: tuple[Tensor | None, ...]) -> list[Tensor | None]:
        """Mean over the processes, in one call; all of them drew the same paths, so the same slopes are missing."""
        if self.average is None:
            return list(slopes)
        there = [slope for slope in slopes if slope is not None]
        mean = self.average(torch.cat([slope.reshape(-1) for slope in there]))
        means = iter(mean.split([slope.numel() for slope in there]))
        return [None if slope is None else next(means).view_as(slope) for slope in slopes]

    def _mean(self, tensor: Tensor) -> Tensor:
        """Over the processes."""
        mean: Any = self.fabric.all_reduce(tensor, reduce_op="mean")
        return mean

    def _on_device(self, batch: FusionBatch) -> FusionBatch:
        return FusionBatch(*(images.to(self.fabric.device) for images in batch))


def active_logits(supernet: RelaxedNetwork, stage: Stage) -> list[str]:
    """Names of the logits that a stage updates, among the parameters."""
    decided = [choice for choice in supernet.open_choices() if stage.decides(choice)]
    names = (*supernet.architecture_names("macro"), *supernet.architecture_names("micro"))
    return [name for name in names if supernet.choice_of(name) in decided]
