"""Fewer points of long courses: runs of rows in place of rows, and rows that stand for those about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Run:
    """Neighbouring values as one.

    Attributes:
        step: of the last of them.
        mean: of all.
        low: the least.
        high: the greatest.
    """

    step: int
    mean: float
    low: float
    high: float


def runs(steps: Sequence[int], values: Sequence[float], most: int) -> list[Run]:
    """At most so many runs of about equal length.

    Example:
        >>> [(run.step, run.mean) for run in runs([10, 20, 30, 40], [1.0, 3.0, 5.0, 5.0], most=2)]
        [(20, 2.0), (40, 5.0)]
    """
    found = []
    for begin, end in _parts(len(values), most):
        part = values[begin:end]
        found.append(Run(steps[end - 1], sum(part) / len(part), min(part), max(part)))
    return found


def kept(length: int, most: int, wanted: Iterable[int] = ()) -> list[int]:
    """Indices of about so many of a row, evenly spread, with the first, the last and those that are wanted.

    Example:
        >>> kept(100, 4, [50]), kept(3, 10)
        ([0, 33, 50, 66, 99], [0, 1, 2])
    """
    if length <= most:
        return list(range(length))
    even = {round(number * (length - 1) / (most - 1)) for number in range(most)}
    return sorted(even | {index for index in wanted if 0 <= index < length})


def _parts(length: int, most: int) -> list[tuple[int, int]]:
    count = min(length, most)
    ends = [number * length // count for number in range(count + 1)] if count else []
    return list(pairwise(ends))
