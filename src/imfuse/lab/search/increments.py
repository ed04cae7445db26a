"""What each operator adds to the latency of a network, found from a latency that is a sum over the network's parts."""

from __future__ import annotations

from typing import Generic, TypeVar

from imfuse.lab.search.choices import SearchSpace
from imfuse.lab.search.enumeration import combinations, completed, decided_picks
from imfuse.lab.search.strategies.trial import Latency

G = TypeVar("G")

ELSEWHERE = ("cells", "head", "kind")
"""Last words of the names of macro choices that do not change what an operator costs at its place."""


class Increments(Generic[G]):
    """Milliseconds of operators, each against the first option of its place.

    By a sum over parts, an operator costs the same whatever the other cells and the head are. So each place is measured
    once for each scale (resolution and width), by genotypes that differ in that one operator.

    Args:
        space: whose genotypes they are.
        latency: milliseconds of a genotype's network; a sum over its parts.
    """

    def __init__(self, space: SearchSpace[G], latency: Latency) -> None:
        self.space, self.latency = space, latency
        self.options = {choice.name: len(choice.options) for choice in space.choices}
        self.micro = {choice.name for choice in space.choices if choice.level == "micro"}
        self._known: dict[tuple[tuple[str, int], ...], list[float]] = {}

    def shape(self, macro: dict[str, int]) -> tuple[float, dict[str, list[float]]]:
        """Milliseconds of a shape with the first operator at every place, and the increments at each of its places."""
        base = self.latency(self.space.genotype(completed(self.space, macro)))
        places = [name for name in decided_picks(self.space, macro) if name in self.micro]
        return base, {place: self._increments(place, macro, base) for place in places}

    def fastest(self) -> G:
        """The genotype of the lowest latency of the whole space; of equal ones the first."""
        return self.space.genotype(min(map(self._fastest_of, combinations(self.space, "macro")), key=_first)[1])

    def _fastest_of(self, macro: dict[str, int]) -> tuple[float, dict[str, int]]:
        base, places = self.shape(macro)
        operators = {place: added.index(min(added)) for place, added in places.items()}
        return base + sum(map(min, places.values())), completed(self.space, {**macro, **operators})

    def _increments(self, place: str, macro: dict[str, int], base: float) -> list[float]:
        scale = [(name, pick) for name, pick in macro.items() if name.rpartition(".")[2] not in ELSEWHERE]
        key = ((place, 0), *scale)
        if key not in self._known:
            picks = (completed(self.space, {**macro, place: option}) for option in range(1, self.options[place]))
            self._known[key] = [0.0, *(self.latency(self.space.genotype(pick)) - base for pick in picks)]
        return self._known[key]


def _first(pair: tuple[float, dict[str, int]]) -> float:
    return pair[0]
