"""One update of the weights: AdamW, its learning rate, the checks for non-finite values, and the moving average."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from imfuse.errors import TrainingError
from imfuse.lab.training.recipe import OptimiserRecipe


def make_optimiser(network: nn.Module, recipe: OptimiserRecipe) -> AdamW:
    """AdamW that decays weights but not biases and gains (parameters of one dimension or none)."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]], lr=recipe.learning_rate)


def learning_rate(step: int, recipe: OptimiserRecipe) -> float:
    """Learning rate of update number `step`: linear warm-up, then half a cosine down to zero.

    >>> recipe = OptimiserRecipe(steps=100, learning_rate=1.0, warmup=10)
    >>> [round(learning_rate(step, recipe), 3) for step in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    part = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * part))


def set_learning_rate(optimiser: Optimizer, value: float) -> None:
    """Give all groups of parameters this learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = value


def check_terms(values: Mapping[str, float], step: int) -> None:
    """Stop at the first term of the loss that is not finite.

    Raises:
        TrainingError: names the term and the step.
    """
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"step {step}: the loss term {name!r} is {value}; the last checkpoint is untouched. "
                "Lower optimiser.learning_rate, or look at the data of this step"
            )


def clip_gradients(network: nn.Module, largest: float, step: int) -> float:
    """Scale the gradients so that their common norm is at most `largest` (0: leave them), and return the norm.

    Raises:
        TrainingError: a gradient is not finite; names its parameter and the step.
    """
    parameters = [parameter for parameter in network.parameters() if parameter.grad is not None]
    total = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    norm = float(total)
    if not math.isfinite(norm):
        culprits = (name for name, p in network.named_parameters() if _not_finite(p.grad))
        raise TrainingError(
            f"step {step}: the gradient of {next(culprits, 'all weights together')} is not finite; the last "
            "checkpoint is untouched. Lower optimiser.learning_rate or set optimiser.gradient_clip"
        )
    if largest:
        nn.utils.clip_grads_with_norm_(parameters, largest, total)
    return norm


def _not_finite(gradient: Tensor | None) -> bool:
    return gradient is not None and not bool(torch.isfinite(gradient).all())


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the averaged weights towards those of the network after update number `step`.

    The decay grows with the updates, so that the first weights, which are random, are soon forgotten.
    """
    decay = min(decay, (1 + step) / (10 + step))
    for kept, parameter in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(parameter, 1 - decay)
    for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(buffer)
