"""Every combination of picks that a search space allows, for spaces and levels small enough to walk through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from imfuse.lab.search.choices import Level, SearchSpace

G = TypeVar("G")


def combinations(space: SearchSpace[G], level: Level | None = None) -> Iterator[dict[str, int]]:
    """All picks of the choices of a level (None: of both), each of those that its genotype decides.

    With both levels that is one combination for each genotype; with `macro`, one for each shape of the network.

    Example:
        >>> from imfuse.lab.search.space import Space
        >>> space = Space(operators=("res_3", "dil_3"), kinds=("csc",), slots=1, cells=(0, 1))
        >>> list(combinations(space))
        [{'cells': 0}, {'cells': 1, 'cell1.csc.op1': 0}, {'cells': 1, 'cell1.csc.op1': 1}]
        >>> list(combinations(space, "macro"))
        [{'cells': 0}, {'cells': 1}]
    """
    options = {choice.name: len(choice.options) for choice in space.choices if level in (None, choice.level)}
    waiting: list[dict[str, int]] = [{}]
    while waiting:
        picks = waiting.pop()
        decided = decided_picks(space, picks)
        following = next((name for name in options if name in decided and name not in picks), None)
        if following is None:
            yield picks
        else:
            waiting += [{**picks, following: option} for option in reversed(range(options[following]))]


def decided_picks(space: SearchSpace[G], picks: dict[str, int]) -> dict[str, int]:
    """The picks that the genotype of these picks decides; the first option where they say nothing."""
    return space.picks(space.genotype(completed(space, picks)))


def completed(space: SearchSpace[G], picks: dict[str, int]) -> dict[str, int]:
    """A pick for every choice: these, and the first option elsewhere."""
    return {choice.name: 0 for choice in space.choices} | picks
