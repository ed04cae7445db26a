"""The objective that a recipe names, tried once on an empty picture before anything is trained."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.errors import ImfuseError, RecipeError
from imfuse.lab.losses.objective import Objective
from imfuse.lab.losses.registry import Loss
from imfuse.lab.training.recipe import Recipe

FAILURES = (ArithmeticError, IndexError, LookupError, RuntimeError, TypeError, ValueError)
"""What losses raise of options or sources that they cannot take."""


def recipe_objective(recipe: Recipe) -> Objective:
    """Build the objective of a recipe, and see that it takes the recipe's number of sources and size of patches.

    Raises:
        RecipeError: a name, a weight or an option is not as it must be, or files that a loss needs are missing.
    """
    try:
        objective = Objective(recipe.objective, check=False)  # the loop checks, for all processes together
    except ImfuseError as error:
        raise RecipeError(f"recipe {recipe.name!r}, field {error}") from error
    sources = torch.zeros(1, len(recipe.sources), recipe.data.patch, recipe.data.patch)
    for name, loss in objective.losses.items():
        _try(loss, sources, name, recipe)
    return objective


@torch.no_grad()
def _try(loss: Loss, sources: Tensor, name: str, recipe: Recipe) -> None:
    try:
        loss(sources[:, :1], sources)
    except (ImfuseError, *FAILURES) as error:
        raise RecipeError(
            f"recipe {recipe.name!r}, field objective.{name}: {recipe.objective[name]} cannot be measured on sources "
            f"{recipe.sources} and data.patch {recipe.data.patch} ({error})"
        ) from error
