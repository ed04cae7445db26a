"""The objective that a recipe names, tried once on an empty picture before anything is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from imfuse.errors import ImfuseError, RecipeError
from imfuse.lab.losses.objective import Objective
from imfuse.lab.training.network import Images, training_images
from imfuse.lab.training.recipe import Recipe

FAILURES = (ArithmeticError, IndexError, LookupError, RuntimeError, TypeError, ValueError)
"""What losses raise of options or sources that they cannot take."""


def recipe_objective(recipe: Recipe, network: nn.Module | None = None) -> Objective:
    """Build the objective of a recipe, and see that it takes the recipe's number of sources and size of patches.

    Args:
        recipe: of the training.
        network: whose images the terms are of; it is left as it is. None for one that makes the fused image alone.

    Raises:
        RecipeError: a name, a weight or an option is not as it must be, files that a loss needs are missing, or the
            network makes no image of the name that a term says.
    """
    try:
        objective = Objective(recipe.objective, check=False)  # the loop checks, for all processes together
    except ImfuseError as error:
        raise RecipeError(f"recipe {recipe.name!r}, field {error}") from error
    # Two pictures where the batch has them, because statistics over one may not be possible.
    sources = torch.zeros(min(recipe.data.batch, 2), len(recipe.sources), recipe.data.patch, recipe.data.patch)
    images = training_images(network, sources, recipe) if network is not None else sources[:, :1]
    for name in objective.losses:
        _try(objective, name, images, sources, recipe)
    return objective


@torch.no_grad()
def _try(objective: Objective, name: str, images: Images, sources: Tensor, recipe: Recipe) -> None:
    try:
        objective.measure(name, _in_range(images), sources)
    except (ImfuseError, *FAILURES) as error:
        raise RecipeError(
            f"recipe {recipe.name!r}, field objective.{name}: {recipe.objective[name]} cannot be measured on sources "
            f"{recipe.sources} and data.patch {recipe.data.patch} ({error})"
        ) from error


def _in_range(images: Images) -> Images:
    """Images of an untrained network, clipped: losses that are metrics refuse others where no gradient is asked for."""
    if isinstance(images, Tensor):
        return images.clip(0, 1)
    return type(images)(*(image.clip(0, 1) for image in images))
