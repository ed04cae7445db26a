"""The fields of a recipe as options of the command line."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

LONG = 200
"""Characters of a description above which its first sentence has to do."""


def add_recipe_fields(parser: ArgumentParser, kind: Any) -> None:
    """Declare an option for every field of a recipe's dataclass, those of inner dataclasses included."""
    for name, hint, text in _fields(kind):
        # Only what is given reaches the recipe, so that the file's values stand elsewhere.
        parser.add_argument(f"--{name}", type=hint, default=argparse.SUPPRESS, help=text)
    parser.error = _explaining(parser, kind)


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


def _explaining(parser: ArgumentParser, kind: Any) -> Callable[..., NoReturn]:
    """In place of `parser.error`: a mistake in a field is told as one in a recipe's file, and has its exit status."""
    otherwise = parser.error

    def error(message: str, ex: Exception | None = None) -> NoReturn:
        from imfuse.lab.training.recipe_types import check_types
        from imfuse.lab.training.recipe_values import check_names

        options = {option[2:] for action in parser._actions for option in action.option_strings}
        values = _texts(getattr(parser, "args", ()), set(typing.get_type_hints(kind)), options)
        check_names(values, kind, "command line")
        check_types(values, kind, "command line", partial=True)
        otherwise(message, ex)

    return error


def _texts(words: Sequence[str], fields: Collection[str], options: Collection[str]) -> dict[str, Any]:
    """The fields among the words of a command line, nested, those included that are unknown but seem to be meant.

    >>> _texts(["own.yaml", "--data.bach", "3", "--sed=1", "-o", "run", "--restrat"], ["data", "seed"], ["restart"])
    {'data': {'bach': '3'}, 'sed': '1'}
    """
    from imfuse.lab.training.recipe_values import merged
    from imfuse.lab.training.yaml_values import said

    values: dict[str, Any] = {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, equals, text = word.partition("=")
        first, *others = option[2:].rstrip("+").split(".")
        near = get_close_matches(first, {*fields, *options}, n=1)
        if option.startswith("--") and (first in fields or others or (first not in options and {*near} & {*fields})):
            given = text if equals else following
            value = said(given) if given.startswith(("{", "[")) else given  # with names inside that can be checked
            for name in reversed(others):
                value = {name: value}
            values = merged(values, {first: value})
    return values


def _nested(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping in which names with points stand for mappings inside it, and text inside of these for what it says.

    So jsonargparse hands them on: the first name with points as it is, further ones parted, their values as text.

    >>> _nested({"optimiser.steps": 3, "optimiser": {"ema": "0.9"}, "name": "own"})
    {'optimiser': {'steps': 3, 'ema': 0.9}, 'name': 'own'}
    """
    from imfuse.lab.training.recipe_values import merged
    from imfuse.lab.training.yaml_values import said

    nested: dict[str, Any] = {}
    for name, value in mapping.items():
        first, *others = str(name).split(".")
        inner = {key: said(each) for key, each in value.items()} if isinstance(value, Mapping) else value
        for other in reversed(others):
            inner = {other: inner}
        nested = merged(nested, {first: _nested(inner) if isinstance(inner, Mapping) else inner})
    return nested


def _fields(kind: Any, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Dotted name, type and description of every field, those of inner dataclasses included."""
    texts = _descriptions(kind)
    for name, hint in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(hint):
            yield from _fields(hint, f"{prefix}{name}.")
        else:
            yield prefix + name, hint, texts.get(name, "").replace("%", "%%").replace("`", "")


def _descriptions(kind: Any) -> dict[str, str]:
    """By name, what the docstring says of each field: all, or the first sentence where that is long."""
    found = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", inspect.cleandoc(kind.__doc__ or ""), re.MULTILINE)
    return {name: _shortened(" ".join(text.split())) for name, text in found}


def _shortened(text: str) -> str:
    """The first sentence of a long text.

    >>> _shortened("names of cells. " + 100 * "And more. ")
    'names of cells.'
    """
    return text if len(text) <= LONG else re.split(r"(?<=\.) (?=[A-Z`])", text)[0]
