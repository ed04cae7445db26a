"""Find, read, override, check and save recipes (no torch)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.data.data_recipe import DataRecipe, DataSet
from imfuse.lab.term import read_term
from imfuse.lab.training.recipe import Recipe
from imfuse.lab.training.recipe_checks import check_recipe
from imfuse.lab.training.recipe_values import check_names, load_values, merged, save_values, typed

PACKAGE = Path(__file__).resolve().parents[2]
RECIPE_FOLDERS = (PACKAGE / "recipes", PACKAGE.parents[1] / "recipes")
"""Where bare names are looked up: inside an installed package, and in a checkout."""


def find_recipe(name: str | Path) -> Path:
    """A recipe file by its path, or by the bare name of a recipe that comes with imfuse.

    Raises:
        RecipeError: neither a file nor a known name.
    """
    if Path(name).is_file():
        return Path(name)
    known = {path.stem: path for folder in RECIPE_FOLDERS for path in sorted(folder.glob("*.yaml"))}
    if str(name) in known:
        return known[str(name)]
    raise RecipeError(f"{name}: no such recipe file; give the path of a YAML file or one of {sorted(known)}")


def read_recipe(path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML.
        changes: values that override those of the file, nested as in the file, such as `{"data": {"batch": 8}}`.

    Raises:
        RecipeError: unreadable YAML, an unknown or missing field, a wrong type, or a value out of its range.
    """
    values = load_values(path)
    check_names(values, Recipe, str(path))
    check_names(changes or {}, Recipe, "changed fields")
    return recipe_of(merged(values, changes or {}), str(path))


def recipe_of(values: Mapping[str, Any], where: str) -> Recipe:
    """The recipe of values as they stand in a file.

    Args:
        values: nested as in the file.
        where: they come from, for errors.

    Raises:
        RecipeError: a missing field, a wrong type, or a value out of its range.
    """
    check_terms(values.get("objective"), where)
    recipe = typed(Recipe, values, where)
    check_recipe(recipe)
    return recipe


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a resolved recipe, all or nothing, that `read_recipe` reads back to an equal one.

    Raises:
        ImageWriteError: the file cannot be written.
    """
    save_values(recipe, path)


def with_folders(recipe: Recipe, folders: Sequence[str]) -> Recipe:
    """The recipe with the user's own folders, one a source, in place of its sets of images."""
    changed = dataclasses.replace(recipe, data=own_data(recipe.data, folders))
    check_recipe(changed)
    return changed


def own_data(data: DataRecipe, folders: Sequence[str]) -> DataRecipe:
    """Data with the user's own folders, one a source, in place of its sets of images.

    Raises:
        RecipeError: two sources are of one folder.
    """
    absolute = tuple(str(Path(folder).absolute()) for folder in folders)
    if twice := [folder for folder in folders if absolute.count(str(Path(folder).absolute())) > 1]:
        raise RecipeError(f"--folders: {twice[0]} is named twice; name another folder for each source")
    return dataclasses.replace(data, sets=(DataSet("own", absolute, "the owner's own images"),))


def check_terms(objective: Any, where: str) -> None:
    """Refuse what is no weight here, because jsonargparse would not say of which term.

    Raises:
        RecipeError: names the term.
    """
    if isinstance(objective, Mapping):
        try:
            _ = [read_term(str(name), value) for name, value in objective.items()]
        except RecipeError as error:
            raise RecipeError(f"{where}: {error}") from error
