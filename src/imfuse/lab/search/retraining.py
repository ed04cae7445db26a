"""From the recipe of a search to those of trainings: of a candidate, and of the winner (no torch)."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.choices import SearchSpace
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.training.recipe import ModelRecipe, Recipe
from imfuse.lab.training.recipe_files import recipe_of
from imfuse.lab.training.recipe_values import check_names, merged

DECIDED = ("model", "sources")
"""Fields of a training that are those of the search."""


def space_of(recipe: SearchRecipe) -> SearchSpace[Any]:
    """The networks that are looked among."""
    return recipe.space if recipe.haf is None else recipe.haf


def model_of(genotype: Genotype | HAFGenotype) -> ModelRecipe:
    """The network of a genotype, as recipes name it."""
    return ModelRecipe("haf" if isinstance(genotype, HAFGenotype) else "searched", {"genotype": str(genotype)})


def candidate(recipe: SearchRecipe, genotype: Genotype | HAFGenotype) -> Recipe:
    """The recipe of a training of a genotype with the search's own data, objective and optimiser."""
    return Recipe(
        name=recipe.name,
        task=recipe.task,
        sources=recipe.sources,
        model=model_of(genotype),
        objective=recipe.objective,
        data=recipe.data,
        optimiser=recipe.optimiser,
        seed=recipe.seed,
        machine=recipe.machine,
    )


def retraining(recipe: SearchRecipe, genotype: Genotype | HAFGenotype) -> Recipe:
    """The recipe of the winner's training: that of a candidate with the changes of `training`.

    Raises:
        RecipeError: the changes name an unknown field or one that the search decides, or make no recipe.
    """
    where = f"search {recipe.name!r}, field training"
    check_names(recipe.training, Recipe, where)
    for name in DECIDED:
        if name in recipe.training:
            raise RecipeError(f"{where}.{name}: the search decides it; leave it out")
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(candidate(recipe, genotype))))
    changes = dict(recipe.training)
    if "objective" in changes:  # another objective is meant whole, not term by term
        values["objective"] = changes.pop("objective")
    return recipe_of(merged(values, changes), where)


def genotype_of(recipe: SearchRecipe, text: str) -> Genotype | HAFGenotype:
    """A genotype of the search's kind from its text."""
    return Genotype.parse(text) if recipe.haf is None else HAFGenotype.parse(text)
