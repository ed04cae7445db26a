"""What a search decides: choices, picks among their options, and how any space is sampled and mutated (no torch)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol, TypeVar

from imfuse.errors import RecipeError

Picks = Mapping[str, int]
"""The name of a choice -> the index of the option that is taken."""

G = TypeVar("G")
Option = TypeVar("Option")
Level = Literal["macro", "micro"]


@dataclass(frozen=True)
class Choice:
    """One decision of a search.

    Attributes:
        name: such as `cell1.kind` or `cell1.csc.op2`; cells and operators count from 1.
        options: two or more, all different.
        level: macro for the shape of the network (beta in the papers), micro for the operators in its cells (alpha).
    """

    name: str
    options: tuple[str | int, ...]
    level: Level

    @property
    def part(self) -> str:
        """What its name begins with, such as `cell1`; in networks of several parts the part, such as `ffm`."""
        return self.name.partition(".")[0]


class SearchSpace(Protocol[G]):
    """A finite set of genotypes, each given by its picks.

    A genotype decides some of the choices only: an operator of a cell that it does not have is left open. Genotypes
    that decide different picks are different.
    """

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every decision with two or more options."""
        ...

    @property
    def size(self) -> int:
        """How many different genotypes there are."""
        ...

    def genotype(self, picks: Picks) -> G:
        """The genotype of these picks; picks that it leaves open are ignored."""
        ...

    def picks(self, genotype: G) -> dict[str, int]:
        """The picks of the choices that a genotype decides; RecipeError for a genotype outside the space."""
        ...


def sample(space: SearchSpace[G], random: Random) -> G:
    """A genotype at random, every option of a choice as likely as the others.

    Where one option opens more choices than another, single genotypes behind it are less likely.
    """
    return space.genotype(_random_picks(space, random))


def mutate(space: SearchSpace[G], genotype: G, random: Random) -> G:
    """Another genotype that differs by one decision.

    Each choice that the genotype decides is as likely to change as the others, and each other option of it as likely to
    be taken. What the change opens, such as the operators of a new cell, is sampled.

    Raises:
        RecipeError: the genotype is outside the space, or the space holds no other.
    """
    decided = space.picks(genotype)
    open_to_change = [choice for choice in space.choices if choice.name in decided]
    if not open_to_change:
        raise RecipeError(f"search space: {str(genotype)!r} is its only genotype; give a field more options")
    choice = random.choice(open_to_change)
    others = [index for index in range(len(choice.options)) if index != decided[choice.name]]
    return space.genotype({**_random_picks(space, random), **decided, choice.name: random.choice(others)})


def picked(name: str, options: Sequence[Option], picks: Picks) -> Option:
    """The option that picks take for a choice; the only one where there is no choice.

    Raises:
        RecipeError: no pick, or an index without an option.

    Example:
        >>> picked("width", (16, 32), {"width": 1}), picked("head", ("direct",), {})
        (32, 'direct')
    """
    if len(options) == 1:
        return options[0]
    index = picks.get(name)
    if index is None or not 0 <= index < len(options):
        found = "no pick" if index is None else f"pick {index}"
        raise RecipeError(f"search space: {found} for {name!r}; expected 0 to {len(options) - 1} for {tuple(options)}")
    return options[index]


def _random_picks(space: SearchSpace[G], random: Random) -> dict[str, int]:
    return {choice.name: random.randrange(len(choice.options)) for choice in space.choices}
