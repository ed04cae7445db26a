"""Every part of the networks of a search space, and when a network has it (no torch)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from imfuse.lab.search.choices import Picks
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.parts import CALL, Part, operator_parts
from imfuse.lab.search.space import Space

Terms = Iterator[tuple[Picks, Part]]


def terms(space: Space | HAFSpace) -> Terms:
    """Every part in any network of a space, with the picks that all must be made for it to be there.

    A genotype has just the parts whose picks are among its own; what it has twice comes twice. A part that several
    options of one choice bring, such as the first cell of networks with one cell and with two, comes once for each.

    Example:
        >>> space = Space(kinds=("csc",), operators=("res_3", "dil_3"), slots=1, cells=(1,), widths=(8,))
        >>> [picks for picks, part in terms(space) if part.name == "dil_3"]
        [{'cell1.csc.op1': 1}]
    """
    yield {}, CALL
    yield from _haf_terms(space) if isinstance(space, HAFSpace) else _terms(space)


def space_parts(space: Space | HAFSpace) -> list[Part]:
    """Every different part in any network of a space."""
    return list(dict.fromkeys(part for _, part in terms(space)))


def _terms(space: Space) -> Terms:
    for size, (resolution, width) in _options(("resolution", space.resolutions), ("width", space.widths)):
        for picks, (head,) in _options(("head", space.heads)):
            yield {**size, **picks}, Part("head", head, width, resolution)
        for picks, part in _trunk_terms(space, "", width, resolution):
            yield {**size, **picks}, part


def _haf_terms(space: HAFSpace) -> Terms:
    for size, (width,) in _options(("width", space.widths)):
        yield size, Part("head", "direct", width, 1)
        yield size, Part("join", "masked", width, 1)
        for name, trunk in space.parts.items():
            for picks, part in _trunk_terms(trunk, f"{name}.", width, 1):
                yield {**size, **picks}, part


def _trunk_terms(space: Space, prefix: str, width: int, resolution: int) -> Terms:
    """Of stem and cells, whose choices begin with the prefix."""
    yield {}, Part("stem", "stem", width, resolution)
    for picks, (count,) in _options((f"{prefix}cells", space.cells)):
        for cell in range(1, count + 1):
            for more, part in _cell_terms(space, f"{prefix}cell{cell}", width, resolution):
                yield {**picks, **more}, part


def _cell_terms(space: Space, cell: str, width: int, resolution: int) -> Terms:
    for picks, (kind,) in _options((f"{cell}.kind", space.kinds)):
        yield picks, Part("cell", kind, width, resolution)
        for slot in range(1, space.slots + 1):
            for more, (operator,) in _options((f"{cell}.{kind}.op{slot}", space.operators)):
                for part in operator_parts(kind, operator, width, resolution):
                    yield {**picks, **more}, part


def _options(*decisions: tuple[str, Sequence[Any]]) -> Iterator[tuple[dict[str, int], tuple[Any, ...]]]:
    """Picks and options of every combination; a decision with one option is no choice and has no pick."""
    for indices in product(*(range(len(options)) for _, options in decisions)):
        taken = list(zip(decisions, indices, strict=True))
        picks = {name: index for (name, options), index in taken if len(options) > 1}
        yield picks, tuple(options[index] for (_, options), index in taken)
