"""Find, read, override, check and save recipes (no torch)."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imfuse.errors import RecipeError
from imfuse.images.storage import write_file
from imfuse.lab.term import read_term
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


def read_recipe(path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML.
        changes: values that override those of the file, nested as in the file, such as `{"data": {"batch": 8}}`.

    Raises:
        RecipeError: unreadable YAML, an unknown or missing field, a wrong type, or a value out of its range.
    """
    values = _load(path)
    _check_names(values, Recipe, (), str(path))
    _check_names(changes or {}, Recipe, (), "changed fields")
    merged = _merged(values, changes or {})
    _check_terms(merged.get("objective"), str(path))
    recipe = _typed(merged, str(path))
    check_recipe(recipe)
    return recipe


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a resolved recipe, all or nothing, that `read_recipe` reads back to an equal one.

    Raises:
        ImageWriteError: the file cannot be written.
    """
    import yaml

    plain = json.loads(json.dumps(dataclasses.asdict(recipe)))
    write_file(path, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode())


def with_folders(recipe: Recipe, folders: Sequence[str]) -> Recipe:
    """The recipe with the user's own folders, one a source, in place of its sets of images."""
    from imfuse.lab.data.data_recipe import DataSet

    absolute = tuple(str(Path(folder).absolute()) for folder in folders)
    sets = (DataSet(name="own", folders=absolute, licence="the owner's own images"),)
    changed = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, sets=sets))
    check_recipe(changed)
    return changed


def _load(path: Path) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML 1.1 but for numbers such as 1e-4, which it would take as text for want of a point."""

    number = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789."))
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: not a readable YAML file ({error})") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: expected fields such as `name: ...`, found {type(values).__name__}")
    return values


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Override nested values; what `changes` does not name stays."""
    merged = dict(values)
    for name, change in changes.items():
        former = merged.get(name)
        if isinstance(former, dict) and isinstance(change, Mapping):
            merged[name] = _merged(former, change)
        else:
            merged[name] = change
    return merged


def _typed(values: dict[str, Any], where: str) -> Recipe:
    import jsonargparse

    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Recipe)
    try:
        parsed = parser.parse_object(values)
    except Exception as error:  # jsonargparse raises several unrelated types, which differ between versions
        raise RecipeError(f"{where}: {error}") from error
    # `instantiate` took the place of `instantiate_classes` in jsonargparse 4.49.
    instantiate = getattr(parser, "instantiate", None) or parser.instantiate_classes
    return Recipe(**instantiate(parsed))


def _check_terms(objective: Any, where: str) -> None:
    """Refuse what is no weight here, because jsonargparse would not say of which term."""
    if isinstance(objective, Mapping):
        try:
            _ = [read_term(str(name), value) for name, value in objective.items()]
        except RecipeError as error:
            raise RecipeError(f"{where}: {error}") from error


def _check_names(values: Mapping[str, Any], kind: type, at: tuple[str, ...], where: str) -> None:
    """Refuse unknown names here, because jsonargparse would not say which ones are allowed."""
    hints = typing.get_type_hints(kind)
    for name, value in values.items():
        if name not in hints:
            dotted = ".".join([*at, str(name)])
            raise RecipeError(f"{where}: unknown field {dotted}; allowed here: {', '.join(hints)}")
        for part, part_kind in _parts(value, hints[name]):
            _check_names(part, part_kind, (*at, name), where)


def _parts(value: Any, kind: Any) -> list[tuple[dict[str, Any], type]]:
    """The mappings inside a value that are to become dataclasses: itself, or those of a list."""
    if dataclasses.is_dataclass(kind):
        return [(value, typing.cast(type, kind))] if isinstance(value, dict) else []
    arguments = typing.get_args(kind)
    if isinstance(value, list) and arguments and dataclasses.is_dataclass(arguments[0]):
        return [(item, typing.cast(type, arguments[0])) for item in value if isinstance(item, dict)]
    return []
