"""`ProxyEvaluation`: how good a network promises to be, judged after a short training."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from imfuse.errors import TrainingError
from imfuse.lab.data.batches import FusionBatch
from imfuse.lab.losses.objective import Objective as WeightedTerms
from imfuse.lab.search.judging import judged
from imfuse.lab.training import optimisation
from imfuse.lab.training.loop import Objective
from imfuse.lab.training.recipe import OptimiserRecipe

WARMUP_SHARE = 0.1
"""Largest part of the updates that the learning rate may take to rise; warm-ups are meant for longer trainings."""


class ProxyEvaluation:
    """The search loss of a genotype: the mean objective on fixed validation batches after a few updates.

    Every genotype starts from the same seed and sees the same batches, so that losses differ by the networks alone, and
    the same genotype has the same loss whenever it is asked for (on a CPU, to the bit). The weights are judged as they
    are, without the moving average, which so few updates would hardly fill.

    Args:
        make_network: a network of a genotype, with random weights.
        training_batch: batch of an update, by its number from 0.
        validation_batch: batch that the network is judged on, by its number from 0.
        objective: of fused images and targets, lower is better; scheduled weights end as in a whole training.
        optimiser: of the updates; its number of steps does not count, and its warm-up takes a tenth of them at most.
        steps: number of updates.
        validation_batches: how many the loss is a mean over.
        seed: of the weights, and of what a network draws.
        device: that everything is done on.

    Raises:
        ValueError: no updates or no batches.
    """

    def __init__(
        self,
        make_network: Callable[[Any], nn.Module],
        training_batch: Callable[[int], FusionBatch],
        validation_batch: Callable[[int], FusionBatch],
        objective: Objective,
        optimiser: OptimiserRecipe,
        *,
        steps: int,
        validation_batches: int,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        if min(steps, validation_batches) < 1:
            raise ValueError(f"steps {steps}, validation_batches {validation_batches}: expected 1 or more")
        self.make_network, self.training_batch, self.validation_batch = make_network, training_batch, validation_batch
        self.device = torch.device(device)
        self.objective = objective.to(self.device) if isinstance(objective, nn.Module) else objective
        warmup = min(optimiser.warmup, int(steps * WARMUP_SHARE))
        self.optimiser = dataclasses.replace(optimiser, steps=steps, warmup=warmup)
        self.validation_batches, self.seed = validation_batches, seed

    def __call__(self, genotype: Any) -> float:
        """The loss of a genotype; infinite where its training or its images are not finite."""
        devices = [self.device] if self.device.type == "cuda" else []
        with (
            torch.random.fork_rng(devices),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        ):
            torch.manual_seed(self.seed)
            network = self.make_network(genotype).to(self.device)
            try:
                self._train(network.train())
                return self._judge(network)
            except TrainingError:
                return math.inf

    def _train(self, network: nn.Module) -> None:
        recipe = self.optimiser
        optimiser = optimisation.make_optimiser(network, recipe)
        for step in range(recipe.steps):
            optimisation.set_learning_rate(optimiser, optimisation.learning_rate(step, recipe))
            total = self._loss(network, self.training_batch(step), step / recipe.steps)
            optimisation.check_terms({"total": total.item()}, step)
            total.backward()
            optimisation.clip_gradients(network, recipe.gradient_clip, step)
            optimiser.step()
            optimiser.zero_grad()

    @torch.no_grad()
    def _judge(self, network: nn.Module) -> float:
        network.eval()
        # Only its parts evaluate: in training a network may make further images, which terms of the objective need.
        network.training = True
        batches = map(self.validation_batch, range(self.validation_batches))
        mean = sum(self._loss(network, batch, 1.0).item() for batch in batches) / self.validation_batches
        return mean if math.isfinite(mean) else math.inf

    def _loss(self, network: nn.Module, batch: FusionBatch, progress: float) -> Tensor:
        objective = self.objective.at(progress) if isinstance(self.objective, WeightedTerms) else self.objective
        sources, targets = (images.to(self.device) for images in batch)
        return judged(objective, network(sources), targets)[0]
