"""The fields of a recipe as options of the command line."""

from __future__ import annotations

import argparse
import dataclasses
import re
import typing
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace


def add_recipe_fields(parser: ArgumentParser, kind: Any) -> None:
    """Declare an option for every field of a recipe's dataclass, those of inner dataclasses included."""
    for name, hint, text in _fields(kind):
        # Only what is given reaches the recipe, so that the file's values stand elsewhere.
        parser.add_argument(f"--{name}", type=hint, default=argparse.SUPPRESS, help=text)


def given_fields(arguments: Namespace, kind: Any) -> dict[str, Any]:
    """The fields that were given, nested as in a recipe's file.

    A field that is a mapping takes names with points, as in `--training.optimiser.steps 3`.
    """
    return _given(arguments.as_dict(), kind)


def _given(values: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    given = {}
    for name, hint in typing.get_type_hints(kind).items():
        if name in values:
            inner = dataclasses.is_dataclass(hint)
            is_mapping = typing.get_origin(hint) is dict
            value = values[name]
            given[name] = _given(value, hint) if inner else _nested(value) if is_mapping else value
    return given


def _nested(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping in which names with points stand for mappings inside it, and text inside of these for what it says.

    So jsonargparse hands them on: the first name with points as it is, further ones parted, their values as text.

    >>> _nested({"optimiser.steps": 3, "optimiser": {"ema": "0.9"}, "name": "own"})
    {'optimiser': {'steps': 3, 'ema': 0.9}, 'name': 'own'}
    """
    from imfuse.lab.training.recipe_values import merged

    nested: dict[str, Any] = {}
    for name, value in mapping.items():
        first, *others = str(name).split(".")
        inner = {key: _read(each) for key, each in value.items()} if isinstance(value, Mapping) else value
        for other in reversed(others):
            inner = {other: inner}
        nested = merged(nested, {first: _nested(inner) if isinstance(inner, Mapping) else inner})
    return nested


def _read(value: Any) -> Any:
    import yaml

    return yaml.safe_load(value) if isinstance(value, str) else value


def _fields(kind: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Dotted name, type and description of every field, those of inner dataclasses included."""
    texts = dict(re.findall(r"^        (\w+): (.+)$", kind.__doc__ or "", re.MULTILINE))
    for name, hint in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(hint):
            yield from _fields(hint, f"{prefix}{name}.")
        else:
            yield prefix + name, hint, texts.get(name, "").replace("%", "%%").replace("`", "")
