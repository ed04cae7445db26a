"""From the probabilities of a search to one genotype: the likeliest one, or the likeliest within a budget.

How well a genotype agrees with the search is its regret: the sum, over the choices that it decides, of
log(largest probability) - log(its probability). That is the same as the sum of log probabilities over all choices where
those left open count as their likeliest option, so that a network with fewer cells is not preferred for having fewer
choices, and the argmax of every choice has no regret.

Within a budget the solution is exact. The shapes of the network (its macro picks) are taken in the order of their own
regret, until it alone exceeds the regret of the best genotype found. For each shape, the operators are solved place by
place by a dynamic programme over (milliseconds, regret), which keeps what nothing else beats in both, and can still
become better than the best genotype and keep the budget. All that it needs is that the latency is a sum over the parts
of the network.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from imfuse.errors import SearchError
from imfuse.lab.search.choices import SearchSpace
from imfuse.lab.search.enumeration import combinations, completed
from imfuse.lab.search.increments import Increments
from imfuse.lab.search.strategies.trial import Latency, within

G = TypeVar("G")

Regrets = Mapping[str, Sequence[float]]


class Partial(NamedTuple):
    """Operators of the first places of a shape.

    Attributes:
        milliseconds: of the network with the fastest operators at the places that follow.
        regret: so far.
        picks: of the places so far.
    """

    milliseconds: float
    regret: float
    picks: tuple[int, ...]


def derive(
    space: SearchSpace[G],
    probabilities: Mapping[str, Sequence[float]],
    latency: Latency | None = None,
    budget_ms: float | None = None,
) -> G:
    """The genotype that a search found.

    Args:
        space: what was searched.
        probabilities: those of the options, for every choice of the space.
        latency: milliseconds of a genotype's network, a sum over its parts; needed for a budget only.
        budget_ms: highest latency; None for any.

    Returns:
        The likeliest option of every choice where that keeps the budget, else the genotype of the lowest regret that
        does.

    Raises:
        SearchError: no genotype keeps the budget; names the fastest.
        ValueError: probabilities that do not fit the space, a budget without a latency, or a latency that is no sum
            over parts.

    Example:
        >>> from imfuse.lab.search.space import Space
        >>> space = Space(kinds=("csc",), operators=("res_3", "dil_3"), slots=2, cells=(1,))
        >>> found = {"cell1.csc.op1": [0.9, 0.1], "cell1.csc.op2": [0.6, 0.4]}
        >>> str(derive(space, found))
        'x1 w48 direct csc(res_3 res_3)'
        >>> str(derive(space, found, lambda genotype: 2.0 * str(genotype).count("res_3"), budget_ms=3.0))
        'x1 w48 direct csc(res_3 dil_3)'
    """
    regrets = regrets_of(space, probabilities)
    likeliest = space.genotype({name: values.index(min(values)) for name, values in regrets.items()})
    if budget_ms is None:
        return likeliest
    if latency is None:
        raise ValueError(f"budget {budget_ms} ms without a latency; give one")
    if within(latency(likeliest), budget_ms):
        return likeliest
    return _within_budget(Increments(space, latency), regrets, budget_ms)


def regrets_of(space: SearchSpace[G], probabilities: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Log of the largest probability of a choice over that of each option, for every choice.

    Raises:
        ValueError: probabilities that do not fit the space.
    """
    expected = {choice.name: len(choice.options) for choice in space.choices}
    if strangers := sorted(set(probabilities) ^ set(expected)):
        raise ValueError(f"probabilities of {sorted(probabilities)} for choices {list(expected)}: check {strangers}")
    regrets = {}
    for name, count in expected.items():
        values = [float(value) for value in probabilities[name]]
        if len(values) != count or not all(0 <= value < math.inf for value in values) or not any(values):
            raise ValueError(f"probabilities {values} of {name!r}: expected {count} finite ones from 0 up, not all 0")
        logs = [math.log(max(value, sys.float_info.min)) for value in values]
        regrets[name] = [max(logs) - log for log in logs]
    return regrets


def _within_budget(increments: Increments[G], regrets: Regrets, budget_ms: float) -> G:
    space = increments.space
    shapes = [(_total(regrets, macro), macro) for macro in combinations(space, "macro")]
    lowest, found = math.inf, None
    for regret, macro in sorted(shapes, key=lambda shape: shape[0]):
        if regret >= lowest:
            break
        base, places = increments.shape(macro)
        solved = _solve(places, regrets, Partial(base, regret, ()), budget_ms, lowest)
        if solved:
            lowest, found = solved.regret, (solved, {**macro, **dict(zip(places, solved.picks, strict=True))})
    if found is None:
        fastest = increments.fastest()
        raise SearchError(
            f"budget {budget_ms} ms: no network of the space keeps it; the fastest, '{fastest}', takes "
            f"{increments.latency(fastest):.3g} ms. Raise the budget, or give the space smaller widths, coarser "
            "resolutions, fewer cells or faster operators, and search again"
        )
    return _checked(increments, *found)


def _solve(
    places: Mapping[str, Sequence[float]], regrets: Regrets, shape: Partial, budget_ms: float, lowest: float
) -> Partial | None:
    """The operators of the lowest regret, if it is below `lowest`, for a shape whose partial has no operators yet."""
    fastest = shape.milliseconds + sum(map(min, places.values()))
    front = [shape._replace(milliseconds=fastest)] if within(fastest, budget_ms) else []
    for place, added in places.items():
        least, costs = min(added), regrets[place]
        longer = (
            Partial(partial.milliseconds + ms - least, partial.regret + costs[option], (*partial.picks, option))
            for partial in front
            for option, ms in enumerate(added)
        )
        front = _front([one for one in longer if one.regret < lowest and within(one.milliseconds, budget_ms)])
    return front[-1] if front else None


def _front(partials: list[Partial]) -> list[Partial]:
    """Those that no other beats in both, by rising milliseconds and falling regret."""
    front: list[Partial] = []
    for partial in sorted(partials):
        if not front or partial.regret < front[-1].regret:
            front.append(partial)
    return front


def _checked(increments: Increments[G], solved: Partial, picks: dict[str, int]) -> G:
    genotype = increments.space.genotype(completed(increments.space, picks))
    milliseconds = increments.latency(genotype)
    if not math.isclose(milliseconds, solved.milliseconds, rel_tol=1e-6, abs_tol=1e-9):
        raise ValueError(
            f"latency: '{genotype}' takes {milliseconds} ms, but the sum of its parts is {solved.milliseconds} ms; "
            "give a latency that is a sum over the parts of the network"
        )
    return genotype


def _total(regrets: Regrets, picks: Mapping[str, int]) -> float:
    return sum(regrets[name][option] for name, option in picks.items())
