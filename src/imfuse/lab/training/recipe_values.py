"""From YAML and changes of it to the frozen dataclass of any kind of recipe; errors name the field (no torch)."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from imfuse.errors import RecipeError
from imfuse.images.storage import write_file
from imfuse.lab.training.recipe_types import check_types, did_you_mean
from imfuse.lab.training.yaml_values import read_value

Kind = TypeVar("Kind")


def load_values(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        RecipeError: unreadable YAML, or something else than a mapping.
    """
    import yaml

    try:
        values = read_value(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: not a readable YAML file ({error})") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: expected fields such as `name: ...`, found {type(values).__name__}")
    return values


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Override nested values; what `changes` does not name stays.

    >>> merged({"data": {"batch": 8, "patch": 96}}, {"data": {"batch": 4}})
    {'data': {'batch': 4, 'patch': 96}}
    """
    result = dict(values)
    for name, change in changes.items():
        former = result.get(name)
        result[name] = merged(former, change) if isinstance(former, dict) and isinstance(change, Mapping) else change
    return result


def typed(kind: type[Kind], values: Mapping[str, Any], where: str) -> Kind:
    """The dataclass of these values, nested ones included.

    Raises:
        RecipeError: a missing field or a wrong type.
    """
    import jsonargparse

    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind)
    try:
        parsed = parser.parse_object(dict(values))
    except Exception as error:  # jsonargparse raises several unrelated types, which differ between versions
        check_types(values, kind, where)
        raise RecipeError(f"{where}: {error}") from error
    # `instantiate` took the place of `instantiate_classes` in jsonargparse 4.49.
    instantiate = getattr(parser, "instantiate", None) or parser.instantiate_classes
    return kind(**instantiate(parsed))


def check_names(values: Mapping[str, Any], kind: type, where: str, at: tuple[str, ...] = ()) -> None:
    """Refuse unknown names here, because jsonargparse would not say which ones are allowed.

    Raises:
        RecipeError: names the field, and those that are allowed in its place.
    """
    hints = typing.get_type_hints(kind)
    for name, value in values.items():
        if name not in hints:
            dotted = ".".join([*at, str(name)])
            near = did_you_mean(name, hints)
            raise RecipeError(f"{where}: unknown field {dotted}; allowed here: {', '.join(hints)}{near}")
        for part, part_kind in _parts(value, hints[name]):
            check_names(part, part_kind, where, (*at, name))


def save_values(recipe: Any, path: Path) -> None:
    """Write a dataclass as YAML, all or nothing.

    Raises:
        ImageWriteError: the file cannot be written.
    """
    import yaml

    plain = json.loads(json.dumps(dataclasses.asdict(recipe)))
    write_file(path, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode())


def first_difference(former: Any, recipe: Any, unseen: Collection[str]) -> str:
    """The first field in which two dataclasses differ, with both values.

    Args:
        former: one of them.
        recipe: the other, of the same kind.
        unseen: dotted names of fields that do not count, with all that is in them.
    """
    left, right = _flat(dataclasses.asdict(former)), _flat(dataclasses.asdict(recipe))
    for name in {**left, **right}:
        if left.get(name) != right.get(name) and not f"{name}.".startswith(tuple(f"{each}." for each in unseen)):
            return f"{name} was {left.get(name)!r}, now {right.get(name)!r}"
    return "no visible field"


def _flat(values: dict, prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _parts(value: Any, kind: Any) -> list[tuple[dict[str, Any], type]]:
    """The mappings inside a value that are to become dataclasses: itself, or those of a list."""
    arguments = typing.get_args(kind)
    if isinstance(kind, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        kind = next(argument for argument in arguments if argument is not type(None))
        arguments = typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return [(value, typing.cast(type, kind))] if isinstance(value, dict) else []
    if isinstance(value, list) and arguments and dataclasses.is_dataclass(arguments[0]):
        return [(item, typing.cast(type, arguments[0])) for item in value if isinstance(item, dict)]
    return []
