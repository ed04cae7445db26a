"""Which trials are worth choosing: those that no other beats in both loss and latency."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

from imfuse.errors import SearchError
from imfuse.lab.search.strategies.trial import Trial

G = TypeVar("G")


def pareto_front(trials: Iterable[Trial[G]]) -> list[Trial[G]]:
    """The trials for which no other is at least as good in loss and milliseconds and better in one.

    Args:
        trials: in any order; those whose loss is not finite are left out, and of equal ones the first is kept.

    Returns:
        Sorted by milliseconds, so that the loss falls along the list.

    Example:
        >>> trials = [Trial("a", 0.3, 9.0), Trial("b", 0.5, 4.0), Trial("c", 0.6, 5.0)]
        >>> [trial.genotype for trial in pareto_front(trials)]
        ['b', 'a']
    """
    front: list[Trial[G]] = []
    for trial in sorted(_finite(trials), key=lambda trial: (trial.milliseconds, trial.loss)):
        if not front or trial.loss < front[-1].loss:
            front.append(trial)
    return front


def best(trials: Iterable[Trial[G]], weight: float = 0.0) -> Trial[G]:
    """The trial of the lowest loss + weight * milliseconds; of equal ones the fastest.

    Args:
        trials: at least one with a finite loss.
        weight: loss that one millisecond is worth.

    Raises:
        SearchError: no trial has a finite loss.

    Example:
        >>> best([Trial("a", 0.3, 9.0), Trial("b", 0.5, 4.0)], weight=0.1).genotype
        'b'
    """
    finite = _finite(trials)
    if not finite:
        raise SearchError("no trial has a finite loss; lower optimiser.learning_rate, or look at the data")
    return min(finite, key=lambda trial: (trial.loss + weight * trial.milliseconds, trial.milliseconds))


def _finite(trials: Iterable[Trial[G]]) -> list[Trial[G]]:
    return [trial for trial in trials if math.isfinite(trial.loss)]
