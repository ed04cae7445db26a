"""Find, read, override, check and save recipes (no torch)."""

from __future__ import annotations

import dataclasses
import json
import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.training.recipe import Recipe
from imfuse.lab.training.recipe_checks import check_recipe

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


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and override fields, as `["--data.batch", "8"]` or `["--data.batch=8"]`.

    Raises:
        RecipeError: unreadable YAML, an unknown or missing field, a wrong type, or a value out of its range.
    """
    import jsonargparse

    _check_file(path)
    for word in overrides:
        if word.startswith("--"):
            _check_name(word[2:].partition("=")[0].split("."), Recipe, "the command line")
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--recipe-file", action="config")
    parser.add_class_arguments(Recipe)
    try:
        values = parser.parse_args(["--recipe-file", str(path), *overrides])
    except Exception as error:  # jsonargparse raises several unrelated types, which differ between versions
        raise RecipeError(f"{path}: {error}") from error
    # `instantiate` took the place of `instantiate_classes` in jsonargparse 4.49.
    instantiate = getattr(parser, "instantiate", None) or parser.instantiate_classes
    fields = {field.name for field in dataclasses.fields(Recipe)}
    recipe = Recipe(**{name: value for name, value in instantiate(values).items() if name in fields})
    check_recipe(recipe)
    return recipe


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a resolved recipe that `read_recipe` reads back to an equal one."""
    import yaml

    plain = json.loads(json.dumps(dataclasses.asdict(recipe)))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), encoding="utf-8")
    temporary.replace(path)


def with_folders(recipe: Recipe, folders: Sequence[str]) -> Recipe:
    """The recipe with the user's own folders, one a source, in place of its sets of images."""
    from imfuse.lab.data.data_recipe import DataSet

    absolute = tuple(str(Path(folder).absolute()) for folder in folders)
    sets = (DataSet(name="own", folders=absolute, licence="the owner's own images"),)
    changed = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, sets=sets))
    check_recipe(changed)
    return changed


def _check_file(path: Path) -> None:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: not a readable YAML file ({error})") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: expected fields such as `name: ...`, found {type(values).__name__}")
    _check_names(values, Recipe, (), str(path))


def _check_names(values: Mapping[str, Any], kind: type, at: tuple[str, ...], where: str) -> None:
    for name, value in values.items():
        _check_name([*at, str(name)], Recipe, where)
        inner = typing.get_type_hints(kind)[name]
        for part, part_kind in _parts(value, inner):
            _check_names(part, part_kind, (*at, name), where)


def _parts(value: Any, kind: Any) -> list[tuple[dict[str, Any], type]]:
    """The mappings inside a value that are to become dataclasses: itself, or those of a list."""
    if dataclasses.is_dataclass(kind):
        return [(value, typing.cast(type, kind))] if isinstance(value, dict) else []
    arguments = typing.get_args(kind)
    if isinstance(value, list) and arguments and dataclasses.is_dataclass(arguments[0]):
        return [(item, typing.cast(type, arguments[0])) for item in value if isinstance(item, dict)]
    return []


def _check_name(words: Sequence[str], kind: Any, where: str) -> None:
    """Follow a dotted name down the dataclasses; below a dictionary every name is allowed."""
    for depth, word in enumerate(words):
        if not dataclasses.is_dataclass(kind):
            if typing.get_origin(kind) is dict:
                return
            raise RecipeError(f"{where}: {'.'.join(words[:depth])} has no fields, found {'.'.join(words)}")
        hints = typing.get_type_hints(kind)
        if word not in hints:
            raise RecipeError(f"{where}: unknown field {'.'.join(words)}; allowed here: {', '.join(hints)}")
        kind = hints[word]
        if typing.get_origin(kind) is tuple and dataclasses.is_dataclass(typing.get_args(kind)[0]):
            kind = typing.get_args(kind)[0]
