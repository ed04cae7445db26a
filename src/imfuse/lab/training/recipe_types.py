"""What the fields of a recipe take, in words, and which value is none of that (no torch)."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

from imfuse.errors import RecipeError
from imfuse.lab.training.yaml_values import said

PLAIN = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
MANY = {int: "whole numbers", float: "numbers", bool: "true or false", str: "texts"}


def check_types(values: Mapping[str, Any], kind: type, where: str, *, partial: bool = False) -> None:
    """Refuse the first value that is not of its field's type, or a field that is missing.

    Text that says the value, as on a command line, does as well as the value.

    Args:
        values: nested as in a recipe's file, all of known names.
        kind: the dataclass that they are to become.
        where: they come from.
        partial: whether others complete them, so that none is missing.

    Raises:
        RecipeError: names the field, what was found, what is expected, and the name that may have been meant.
    """
    for field, text in _faults_of_fields(values, kind, "", partial):
        raise RecipeError(f"{where}, field {field}: {text}")


def expected(hint: Any) -> str:
    """What a type takes, in words.

    >>> expected(float | None), expected(Literal["cpu", "cuda"]), expected(tuple[int, ...])
    ('a number or null', 'one of cpu, cuda', 'a list of whole numbers')
    """
    origin, arguments = typing.get_origin(hint), list(typing.get_args(hint))
    if _is_union(hint):
        return " or ".join(expected(argument) for argument in arguments)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}" if len(arguments) > 1 else str(arguments[0])
    if origin in (tuple, list):
        return _expected_list(arguments)
    if dataclasses.is_dataclass(hint):
        return f"a mapping of {', '.join(typing.get_type_hints(hint))}"
    return "a mapping" if origin is dict else PLAIN.get(hint, "another value")


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """The end of a sentence that names what may have been meant; empty where nothing is near.

    >>> did_you_mean("evolutoin", ["gradient", "evolution"]), did_you_mean(7, ["gradient"])
    ("; did you mean 'evolution'?", '')
    """
    close = get_close_matches(str(name), map(str, known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _expected_list(arguments: Sequence[Any]) -> str:
    fixed = len(arguments) > 1 and arguments[-1] is not Ellipsis
    size = f"{len(arguments)} " if fixed else ""
    return f"a list of {size}{MANY.get(arguments[0], 'mappings')}"


def _faults_of_fields(values: Mapping[str, Any], kind: Any, prefix: str, partial: bool) -> Iterator[tuple[str, str]]:
    """Dotted names with what is to be said of them."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        name, hint = prefix + field.name, hints[field.name]
        if field.name in values:
            yield from _faults(values[field.name], hint, name, partial)
        elif not partial and field.default is field.default_factory is dataclasses.MISSING:
            yield name, f"missing; expected {expected(hint)}"


def _faults(value: Any, hint: Any, name: str, partial: bool) -> Iterator[tuple[str, str]]:
    """Of a value, or else of those of its parts that do not fit."""
    meant, kinds = said(value), _alternatives(hint)
    if any(_is_plain(each, kind) for each in (value, meant) for kind in kinds):
        return
    for kind in kinds:
        if _has_shape(meant, kind):
            yield from _faults_inside(meant, kind, name, partial)
            return
    choices = [choice for kind in kinds if typing.get_origin(kind) is Literal for choice in typing.get_args(kind)]
    yield name, f"{value!r}; expected {expected(hint)}{did_you_mean(value, choices)}"


def _faults_inside(value: Any, hint: Any, name: str, partial: bool) -> Iterator[tuple[str, str]]:
    """Of the parts of a list or of a mapping."""
    arguments = typing.get_args(hint)
    if isinstance(value, Mapping):
        if dataclasses.is_dataclass(hint):
            yield from _faults_of_fields(value, hint, f"{name}.", partial)
        else:
            for key, each in value.items():
                yield from _faults(each, arguments[1], f"{name}.{key}", partial)
        return
    if not _has_length_of(value, arguments):
        yield name, f"{value!r}; expected {expected(hint)}"
    for number, each in enumerate(value):
        yield from _faults(each, arguments[0], f"{name}[{number}]", partial=False)


def _is_plain(value: Any, kind: Any) -> bool:
    """Whether it is of a type without parts."""
    if kind is Any or typing.get_origin(kind) is Literal:
        return kind is Any or value in typing.get_args(kind)
    if isinstance(value, bool):
        return kind is bool
    return kind in PLAIN and isinstance(value, (int, float) if kind is float else kind)


def _has_shape(value: Any, kind: Any) -> bool:
    """Whether it is a mapping, or a list, as the type is."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) or origin is dict:
        return isinstance(value, Mapping)
    return origin in (tuple, list) and isinstance(value, list | tuple)


def _has_length_of(value: Sequence[Any], arguments: Sequence[Any]) -> bool:
    return len(arguments) < 2 or arguments[-1] is Ellipsis or len(value) == len(arguments)


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if _is_union(hint) else (hint,)


def _is_union(hint: Any) -> bool:
    return isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
