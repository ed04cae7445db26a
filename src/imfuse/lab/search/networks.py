"""The networks of a search's space: the supernet, single ones, and the objectives that they are searched by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from random import Random
from typing import Any

from lightning_fabric import Fabric
from torch import nn

from imfuse.lab.losses.objective import Objective
from imfuse.lab.models import build_model
from imfuse.lab.search.choices import sample
from imfuse.lab.search.haf_supernet import HAFSupernet
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.retraining import candidate, model_of, space_of
from imfuse.lab.search.supernet import Supernet
from imfuse.lab.term import read_term
from imfuse.lab.training.recipe_objective import recipe_objective


def make_supernet(recipe: SearchRecipe) -> Supernet | HAFSupernet:
    """The relaxed network of all networks of the space, with random weights."""
    relaxation = (recipe.gradient.relaxation, recipe.gradient.temperature)
    return Supernet(recipe.space, *relaxation) if recipe.haf is None else HAFSupernet(recipe.haf, *relaxation)


def make_network(genotype: object) -> nn.Module:
    """The network of a genotype, with random weights."""
    model = model_of(genotype)  # type: ignore[arg-type]
    return build_model(model.name, **model.options)


def stage_objectives(recipe: SearchRecipe, fabric: Fabric) -> Mapping[str, Objective]:
    """The objective of all terms by the empty name, and that of one image by its name, for each stage that has one.

    Raises:
        RecipeError: a term cannot be measured on the images of the space's networks.
    """
    genotype = sample(space_of(recipe), Random(0))
    some, network = candidate(recipe, genotype), make_network(genotype)
    objectives: dict[str, Any] = {"": recipe_objective(some, network)}
    for image in {stage.image for stage in recipe.gradient.stages} - {""}:
        terms = {name: value for name, value in recipe.objective.items() if read_term(name, value).image == image}
        objectives[image] = recipe_objective(dataclasses.replace(some, objective=terms), network)
    return {image: fabric.to_device(objective) for image, objective in objectives.items()}
