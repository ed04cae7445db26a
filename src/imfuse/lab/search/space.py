"""`Space`: the fusion networks that a search looks among, as the options of each decision (no torch)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from imfuse.errors import RecipeError
from imfuse.lab.nn.genotype import HEADS, KINDS, OPERATOR_NAMES, RESOLUTIONS, CellGene, Genotype
from imfuse.lab.search.choices import Choice, Picks, picked

PAPER_OPERATORS = tuple(name for name in OPERATOR_NAMES if name != "conv_3")
"""The ten operators of TIM and HAF."""


@dataclass(frozen=True)
class Space:
    """The genotypes that these options allow; a field of one option is no choice.

    Attributes:
        kinds: of cells, of `imfuse.lab.nn.genotype.KINDS`; each cell chooses its own.
        operators: of `imfuse.lab.nn.genotype.OPERATOR_NAMES`; each place in a cell chooses its own.
        slots: operators a cell.
        cells: numbers of cells; 0 leaves stem and head.
        resolutions: pixels a side that one feature covers, of `imfuse.lab.nn.genotype.RESOLUTIONS`.
        widths: channels of the features, even.
        heads: of `imfuse.lab.nn.genotype.HEADS`.

    Raises:
        RecipeError: a field without options, or with one that is unknown, out of its range or there twice.

    Example:
        >>> space = Space(kinds=("csc", "cms"), operators=("res_3", "dil_3"), slots=1, cells=(1,))
        >>> [choice.name for choice in space.choices], space.size
        (['cell1.kind', 'cell1.csc.op1', 'cell1.cms.op1'], 4)
        >>> str(space.genotype({"cell1.kind": 1, "cell1.cms.op1": 0}))
        'x1 w48 direct cms(res_3)'
    """

    kinds: tuple[str, ...] = ("csc", "cdc", "cms")
    operators: tuple[str, ...] = PAPER_OPERATORS
    slots: int = 2
    cells: tuple[int, ...] = (2,)
    resolutions: tuple[int, ...] = (1,)
    widths: tuple[int, ...] = (48,)
    heads: tuple[str, ...] = ("direct",)

    def __post_init__(self) -> None:
        _check_known("kinds", self.kinds, KINDS)
        _check_known("operators", self.operators, OPERATOR_NAMES)
        _check_known("resolutions", self.resolutions, RESOLUTIONS)
        _check_known("heads", self.heads, HEADS)
        _check_numbers("cells", self.cells, 0)
        _check_numbers("widths", self.widths, 2)
        _check_numbers("slots", (self.slots,), 1)
        for width in self.widths:
            if width % 2:
                raise RecipeError(f"search space: widths has {width}; expected even numbers")

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Resolution, width, cells and head, then cell by cell its kind and the operators of each kind."""
        return self._choices

    @cached_property  # apart, because a protocol asks for a property
    def _choices(self) -> tuple[Choice, ...]:
        macro = [("resolution", self.resolutions), ("width", self.widths), ("cells", self.cells), ("head", self.heads)]
        found = [Choice(name, options, "macro") for name, options in macro]
        for cell in range(1, max(self.cells) + 1):
            found.append(Choice(f"cell{cell}.kind", self.kinds, "macro"))
            found += [Choice(name, self.operators, "micro") for kind in self.kinds for name in self._slots(cell, kind)]
        return tuple(choice for choice in found if len(choice.options) > 1)

    @property
    def size(self) -> int:
        """How many different genotypes there are."""
        of_a_cell = len(self.kinds) * len(self.operators) ** self.slots
        return (
            len(self.resolutions) * len(self.widths) * len(self.heads) * sum(of_a_cell**count for count in self.cells)
        )

    def genotype(self, picks: Picks) -> Genotype:
        """The genotype of these picks.

        Args:
            picks: an index for every choice; those of cells and kinds that are not picked may be there or not.

        Raises:
            RecipeError: no pick for a choice that matters, or an index without an option.
        """
        count = picked("cells", self.cells, picks)
        return Genotype(
            cells=tuple(self._cell(cell, picks) for cell in range(1, count + 1)),
            resolution=picked("resolution", self.resolutions, picks),
            width=picked("width", self.widths, picks),
            head=picked("head", self.heads, picks),
        )

    def picks(self, genotype: Genotype) -> dict[str, int]:
        """The picks of the choices that a genotype decides, in the order of `choices`.

        Raises:
            RecipeError: the genotype is outside the space.
        """
        picks = {}
        for name, value, options in self._decisions(genotype):
            if value not in options:
                raise RecipeError(
                    f"genotype '{genotype}' is outside the search space: {name} {value}; expected one of {options}"
                )
            if len(options) > 1:
                picks[name] = options.index(value)
        return picks

    def __contains__(self, genotype: Genotype) -> bool:
        try:
            self.picks(genotype)
        except RecipeError:
            return False
        return True

    def _slots(self, cell: int, kind: str) -> list[str]:
        return [f"cell{cell}.{kind}.op{slot}" for slot in range(1, self.slots + 1)]

    def _cell(self, cell: int, picks: Picks) -> CellGene:
        kind = picked(f"cell{cell}.kind", self.kinds, picks)
        return CellGene(kind, tuple(picked(name, self.operators, picks) for name in self._slots(cell, kind)))

    def _decisions(self, genotype: Genotype) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
        """Name, value and options of everything in a genotype, also where there is only one option."""
        yield "resolution", genotype.resolution, self.resolutions
        yield "width", genotype.width, self.widths
        yield "cells", len(genotype.cells), self.cells
        yield "head", genotype.head, self.heads
        for cell, gene in enumerate(genotype.cells, 1):
            yield f"cell{cell}.kind", gene.kind, self.kinds
            yield f"operators in cell{cell}", len(gene.operators), (self.slots,)
            for name, operator in zip(self._slots(cell, gene.kind), gene.operators, strict=True):
                yield name, operator, self.operators


def _check_known(field: str, options: Sequence[str | int], known: Sequence[str | int]) -> None:
    _check_options(field, options)
    for option in options:
        if option not in known:
            near = get_close_matches(str(option), map(str, known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise RecipeError(f"search space: {field} has {option!r}{hint} Known: {', '.join(map(str, known))}")


def _check_numbers(field: str, options: Sequence[int], least: int) -> None:
    _check_options(field, options)
    for option in options:
        if not isinstance(option, int) or option < least:
            raise RecipeError(f"search space: {field} has {option!r}; expected whole numbers from {least} up")


def _check_options(field: str, options: Sequence[str | int]) -> None:
    if isinstance(options, str) or not options:
        raise RecipeError(f"search space: {field} is {options!r}; give at least one option, as a list")
    if len(set(options)) < len(options):
        raise RecipeError(f"search space: {field} has an option twice in {tuple(options)}; name each once")
