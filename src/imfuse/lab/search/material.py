"""What all runs of a search share, made and checked before anything is written, measured or trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

import torch
from lightning_fabric import Fabric
from torch import Tensor

from imfuse.errors import RecipeError
from imfuse.lab.data.batches import StepBatches
from imfuse.lab.data.halves import HALVES, half_of
from imfuse.lab.data.patches import left_out, make_sampler
from imfuse.lab.losses.objective import Objective
from imfuse.lab.search.choices import sample
from imfuse.lab.search.hypergradient import Bilevel, Tensors, hypergradient
from imfuse.lab.search.networks import make_supernet, stage_objectives
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.retraining import retraining, space_of


@dataclass(frozen=True)
class Batches:
    """This process's share of the batches of both halves of the scenes."""

    training: StepBatches
    validation: StepBatches


@dataclass(frozen=True)
class Material:
    """What a search works on.

    Attributes:
        batches: of this process.
        objectives: as `stage_objectives` gives.
        left_out: what to say of files that are not used.
    """

    batches: Batches
    objectives: Mapping[str, Objective]
    left_out: tuple[str, ...]


def make_material(recipe: SearchRecipe, fabric: Fabric) -> Material:
    """Look at the images, and try the objective and the hypergradient on next to nothing.

    Raises:
        RecipeError: images are missing or unfit, or a value of the recipe does not do.
    """
    sampler = make_sampler(recipe.data, recipe.sources, recipe.seed)
    process = (fabric.global_rank, fabric.world_size)
    halves = [StepBatches(half_of(sampler, half), recipe.data.batch, *process) for half in HALVES]
    _check_patches(recipe)
    if recipe.strategy == "gradient":
        _try_hypergradient(recipe)
    return Material(Batches(*halves), stage_objectives(recipe, fabric), tuple(left_out(sampler)))


def _check_patches(recipe: SearchRecipe) -> None:
    """See that every network of the space takes the patches of the search, and those of the training."""
    with torch.random.fork_rng(devices=[]):
        multiple = make_supernet(recipe).size_multiple
    training = retraining(recipe, sample(space_of(recipe), Random(0)))
    for name, patch in (("data.patch", recipe.data.patch), ("training.data.patch", training.data.patch)):
        if patch % multiple:
            raise RecipeError(
                f"search {recipe.name!r}, field {name}: {patch}; the networks of this space need a multiple of "
                f"{multiple}"
            )


def _try_hypergradient(recipe: SearchRecipe) -> None:
    """On one weight that follows one number, because a wrong option should not end a search after its warm-up."""

    def loss(theta: Tensors, alpha: Tensors) -> Tensor:
        return (theta[0] - alpha[0]).square().sum()

    gradient, point = recipe.gradient, (torch.ones(1),)
    problem = Bilevel(loss, loss, point, point)
    try:
        hypergradient(gradient.hypergradient, problem, **gradient.options)
    except RecipeError as error:
        raise RecipeError(f"search {recipe.name!r}, field gradient.options: {error}") from error
