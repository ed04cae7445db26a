"""Find, read, override, check and save the recipes of searches (no torch)."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.search.choices import sample
from imfuse.lab.search.recipe import HYPERGRADIENT_NAMES, SearchRecipe
from imfuse.lab.search.retraining import retraining, space_of
from imfuse.lab.term import read_term
from imfuse.lab.training.recipe import DataRecipe
from imfuse.lab.training.recipe_files import RECIPE_FOLDERS, check_terms, own_data
from imfuse.lab.training.recipe_values import check_names, load_values, merged, save_values, typed

FOLDER = "search"
"""Of the recipes of searches, inside the folders of recipes."""

OWN = "own"
"""Name of the set that `--folders` makes."""

Rule = tuple[bool, str]
"""Whether it holds, and what to say of the field where it does not."""


def find_search(name: str | Path) -> Path:
    """A recipe of a search by its path, or by the bare name of one that comes with imfuse.

    Raises:
        RecipeError: neither a file nor a known name.
    """
    if Path(name).is_file():
        return Path(name)
    known = {path.stem: path for folder in RECIPE_FOLDERS for path in sorted((folder / FOLDER).glob("*.yaml"))}
    if str(name) in known:
        return known[str(name)]
    if Path(name).is_dir():
        raise RecipeError(f"{name}: a directory; give the path of a YAML file or one of {sorted(known)}")
    if any((folder / f"{name}.yaml").is_file() for folder in RECIPE_FOLDERS):
        raise RecipeError(
            f"{name}: a recipe of a training, for `imfuse train`; of searches there are {sorted(known)}, or give the "
            "path of a YAML file"
        )
    raise RecipeError(f"{name}: no such recipe of a search; give the path of a YAML file or one of {sorted(known)}")


def read_search(
    path: Path, changes: Mapping[str, Any] | None = None, folders: Sequence[str] | None = None
) -> SearchRecipe:
    """Read the recipe of a search.

    Args:
        path: YAML.
        changes: values that override those of the file, nested as in the file.
        folders: the user's own, in place of the file's sets of images, as `with_folders` puts them.

    Raises:
        RecipeError: unreadable YAML, an unknown or missing field, a wrong type, or a value out of its range.
    """
    values = load_values(path)
    check_names(values, SearchRecipe, str(path))
    check_names(changes or {}, SearchRecipe, "changed fields")
    values = merged(values, changes or {})
    check_terms(values.get("objective"), str(path))
    recipe = typed(SearchRecipe, values, str(path))
    if folders:
        return with_folders(recipe, folders)
    check_search(recipe)
    return recipe


def save_search(recipe: SearchRecipe, path: Path) -> None:
    """Write a resolved recipe, all or nothing, that `read_search` reads back to an equal one.

    Raises:
        ImageWriteError: the file cannot be written.
    """
    save_values(recipe, path)


def with_folders(recipe: SearchRecipe, folders: Sequence[str]) -> SearchRecipe:
    """The recipe with the user's own folders, one a source, in place of its sets of images, in the training too.

    What they share of their paths becomes `data.root`, so that a search goes on where they have moved together.

    Raises:
        RecipeError: their number is not that of the sources, or the recipe is not as it must be.
    """
    if len(folders) != len(recipe.sources):
        raise RecipeError(
            f"--folders: {len(folders)} given ({', '.join(folders)}); give {len(recipe.sources)}, the folder of "
            f"{', then of '.join(recipe.sources)}"
        )
    training = {name: value for name, value in recipe.training.items() if name != "data"}
    if isinstance(data := recipe.training.get("data"), dict):
        training["data"] = {name: value for name, value in data.items() if name not in ("sets", "root")}
    changed = dataclasses.replace(recipe, data=_below_root(own_data(recipe.data, folders)), training=training)
    check_search(changed)
    return changed


def _below_root(data: DataRecipe) -> DataRecipe:
    images = data.sets[0]
    try:
        root = os.path.commonpath([Path(folder).parent for folder in images.folders])
    except ValueError:  # on several drives
        return data
    inside = tuple(Path(os.path.relpath(folder, root)).as_posix() for folder in images.folders)
    return dataclasses.replace(data, root=root, sets=(dataclasses.replace(images, name=OWN, folders=inside),))


def check_search(recipe: SearchRecipe) -> None:
    """Check ranges, that the parts go together, and that a winner could be trained.

    Raises:
        RecipeError: the first rule that is broken: the field, what was found, what is allowed.
    """
    for holds, text in (*_common_rules(recipe), *_gradient_rules(recipe), *_trials_rules(recipe)):
        if not holds:
            raise RecipeError(f"search {recipe.name!r}, field {text}")
    retraining(recipe, sample(space_of(recipe), Random(0)))  # raises of what cannot be trained


def _common_rules(recipe: SearchRecipe) -> Iterator[Rule]:
    latency = recipe.latency
    weights = latency.weight if isinstance(latency.weight, list) else [latency.weight]
    yield bool(weights), "latency.weight: an empty list; give at least one weight"
    yield all(0 <= weight < math.inf for weight in weights), f"latency.weight: {latency.weight}; finite, from 0 up"
    apart = len({f"{weight:g}" for weight in weights}) == len(weights)
    yield apart, f"latency.weight: {weights}; name each once, with six digits at most"
    budget = latency.budget_ms
    yield budget is None or budget > 0, f"latency.budget_ms: {budget}; above 0, or leave it out"
    yield space_of(recipe).size > 1, "space: holds one network only; give a field more options"
    for name in ("checkpoint_every", "log_every"):
        yield getattr(recipe, name) >= 1, f"{name}: {getattr(recipe, name)}; at least 1"
    yield recipe.trials.validation >= 1, f"trials.validation: {recipe.trials.validation}; at least 1"


def _gradient_rules(recipe: SearchRecipe) -> Iterator[Rule]:
    gradient = recipe.gradient
    known = ", ".join(HYPERGRADIENT_NAMES)
    found = gradient.hypergradient
    yield found in HYPERGRADIENT_NAMES, f"gradient.hypergradient: {found!r}; expected one of {known}"
    yield gradient.warmup >= 0, f"gradient.warmup: {gradient.warmup}; at least 0"
    yield gradient.temperature > 0, f"gradient.temperature: {gradient.temperature}; above 0"
    yield gradient.architecture_rate > 0, f"gradient.architecture_rate: {gradient.architecture_rate}; above 0"
    if recipe.strategy == "gradient":
        yield from _stage_rules(recipe)


def _stage_rules(recipe: SearchRecipe) -> Iterator[Rule]:
    left, parts = list(space_of(recipe).choices), ("width", *recipe.haf.parts) if recipe.haf else ()
    expected = f"some of {', '.join(parts)}" if parts else "none, as only networks of HAF have parts"
    images = sorted({read_term(name, value).image for name, value in recipe.objective.items()})
    for number, stage in enumerate(recipe.gradient.stages):
        field = f"gradient.stages[{number}]"
        yield stage.steps >= 1, f"{field}.steps: {stage.steps}; at least 1"
        yield set(stage.parts) <= set(parts), f"{field}.parts: {list(stage.parts)}; expected {expected}"
        known = stage.image in ("", *images)
        yield known, f"{field}.image: {stage.image!r}; expected one of {images}, of which the objective has terms"
        decided = [choice for choice in left if stage.decides(choice)]
        what = " ".join([stage.level, *stage.parts])
        yield bool(decided), f"{field}: no choice is left for it to decide ({what}); leave it out, or give more options"
        left = [choice for choice in left if choice not in decided]
    names = ", ".join(choice.name for choice in left)
    yield not left, f"gradient.stages: none decides {names}; add a stage, or leave these one option"


def _trials_rules(recipe: SearchRecipe) -> Iterator[Rule]:
    trials = recipe.trials
    for name in ("candidates", "steps", "population", "tournament"):
        yield getattr(trials, name) >= 1, f"trials.{name}: {getattr(trials, name)}; at least 1"
    fits = trials.tournament <= trials.population
    yield fits, f"trials.tournament: {trials.tournament}; at most trials.population, {trials.population}"
