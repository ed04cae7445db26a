"""The fields of a recipe as options of the command line."""

from __future__ import annotations

import argparse
import dataclasses
import re
import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace


def add_recipe_fields(parser: ArgumentParser, kind: Any) -> None:
    """Declare an option for every field of a recipe's dataclass, those of inner dataclasses included."""
    for name, hint, text in _fields(kind):
        # Only what is given reaches the recipe, so that the file's values stand elsewhere.
        parser.add_argument(f"--{name}", type=hint, default=argparse.SUPPRESS, help=text)


def given_fields(arguments: Namespace, kind: Any) -> dict[str, Any]:
    """The fields that were given, nested as in a recipe's file."""
    given = arguments.as_dict()
    return {field.name: given[field.name] for field in dataclasses.fields(kind) if field.name in given}


def _fields(kind: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Dotted name, type and description of every field, those of inner dataclasses included."""
    texts = dict(re.findall(r"^        (\w+): (.+)$", kind.__doc__ or "", re.MULTILINE))
    for name, hint in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(hint):
            yield from _fields(hint, f"{prefix}{name}.")
        else:
            yield prefix + name, hint, texts.get(name, "").replace("%", "%%").replace("`", "")
