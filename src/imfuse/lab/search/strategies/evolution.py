"""Regularised evolution (Real et al., *Regularized Evolution for Image Classifier Architecture Search*, AAAI 2019).

Own code: Optuna, Nevergrad and Ray Tune have no evolution in which the oldest dies, PyGlove has one for spaces that are
written as its own symbolic objects, and the budget, the reuse of known losses and going on exactly as before would have
to be written around any of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from imfuse.lab.search.choices import SearchSpace, mutate
from imfuse.lab.search.strategies.random_search import random_candidates
from imfuse.lab.search.strategies.trial import Evaluate, Latency, Trial, TrialLog, within

G = TypeVar("G")

PATIENCE = 2_000
"""Children in a row that are known or too slow, after which nothing new is expected within reach."""


def evolution(
    space: SearchSpace[G],
    evaluate: Evaluate,
    latency: Latency,
    *,
    candidates: int,
    population: int = 16,
    tournament: int = 5,
    weight: float = 0.0,
    budget_ms: float | None = None,
    seed: int = 0,
    done: Sequence[Trial[G]] = (),
    report: Callable[[Trial[G]], None] | None = None,
) -> list[Trial[G]]:
    """Mutate the best of a few that are drawn from the population; the child joins it, and the oldest member dies.

    As even the best dies of age, a genotype lasts only if its loss is low again and again among its descendants.
    Children above the budget are not born. A child that was evaluated before joins with its known loss.

    Args:
        space: what is searched.
        evaluate: search loss of a genotype, lower is better.
        latency: milliseconds of a genotype's network.
        candidates: how many to evaluate; fewer where mutation finds no others that fit.
        population: how many live at a time; the first ones are drawn at random.
        tournament: how many are drawn, with replacement, for the best of them to be the parent.
        weight: loss that one millisecond is worth in a draw; the trials keep the plain loss.
        budget_ms: highest latency; None for any.
        seed: decides every draw.
        done: trials of an earlier run of this search, which are not evaluated again.
        report: called with every new trial.

    Returns:
        All trials, those of `done` first.

    Raises:
        SearchError: hardly any genotype fits the budget, or `done` belongs to another search.
        ValueError: a number below 1.
    """
    if min(candidates, population, tournament) < 1:
        raise ValueError(
            f"candidates {candidates}, population {population}, tournament {tournament}: expected 1 or more"
        )
    random, log = Random(f"{seed}/mutations"), TrialLog(evaluate, done, report)
    alive: deque[Trial[G]] = deque(maxlen=population)
    for genotype, milliseconds in random_candidates(
        space, latency, min(population, candidates), budget_ms, Random(seed)
    ):
        alive.append(log.add(genotype, milliseconds))
    barren = 0
    while len(log) < min(candidates, space.size) and barren < PATIENCE:
        parent = min(random.choices(alive, k=tournament), key=lambda trial: trial.loss + weight * trial.milliseconds)
        child = mutate(space, parent.genotype, random)
        barren += 1
        if known := log.find(child):
            alive.append(known)
        elif within(milliseconds := latency(child), budget_ms):
            alive.append(log.add(child, milliseconds))
            barren = 0
    return log.trials
