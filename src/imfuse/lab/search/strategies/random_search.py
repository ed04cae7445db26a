"""Random search: the baseline that every search has to beat (Li and Talwalkar, UAI 2019, arXiv 1902.07638)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeVar

from imfuse.errors import SearchError
from imfuse.lab.search.choices import SearchSpace, sample
from imfuse.lab.search.enumeration import combinations
from imfuse.lab.search.strategies.trial import Evaluate, Latency, Trial, TrialLog, within

G = TypeVar("G")

ENUMERABLE = 5_000
"""Genotypes up to which a space is walked through rather than drawn from."""

PATIENCE = 5_000
"""Draws in a row without a new genotype that fits, after which a budget is taken to be too tight."""


def random_search(
    space: SearchSpace[G],
    evaluate: Evaluate,
    latency: Latency,
    *,
    candidates: int,
    budget_ms: float | None = None,
    seed: int = 0,
    done: Sequence[Trial[G]] = (),
    report: Callable[[Trial[G]], None] | None = None,
) -> list[Trial[G]]:
    """Evaluate different genotypes that are drawn at random, only those within the budget.

    Args:
        space: what is drawn from.
        evaluate: search loss of a genotype, lower is better.
        latency: milliseconds of a genotype's network.
        candidates: how many to evaluate; fewer where the space holds fewer that fit.
        budget_ms: highest latency; None for any.
        seed: decides every draw.
        done: trials of an earlier run of this search, which are not evaluated again.
        report: called with every new trial.

    Returns:
        All trials, those of `done` first.

    Raises:
        SearchError: hardly any genotype fits the budget, or `done` belongs to another search. The first is found
            before anything is evaluated.
        ValueError: not one candidate wanted.
    """
    log = TrialLog(evaluate, done, report)
    for genotype, milliseconds in random_candidates(space, latency, candidates, budget_ms, Random(seed)):
        log.add(genotype, milliseconds)
    return log.trials


def random_candidates(
    space: SearchSpace[G], latency: Latency, count: int, budget_ms: float | None, random: Random
) -> list[tuple[G, float]]:
    """Different genotypes within the budget, with their milliseconds; fewer than `count` only if there are no more.

    Small spaces are shuffled, so that every genotype is as likely as the others; larger ones are drawn from by
    `imfuse.lab.search.choices.sample`, and what does not fit is drawn again.

    Raises:
        SearchError: hardly any genotype fits the budget.
        ValueError: not one candidate wanted.
    """
    if count < 1:
        raise ValueError(f"candidates {count}: expected at least 1")
    small = space.size <= max(ENUMERABLE, 2 * count)
    found: dict[G, float] = {}
    fastest, tried, barren = (math.inf, ""), 0, 0
    for genotype in _shuffled(space, random) if small else _drawn(space, random):
        if len(found) == count or barren == PATIENCE:
            break
        tried, barren = tried + 1, 0 if small else barren + 1
        if genotype in found:
            continue
        milliseconds = latency(genotype)
        fastest = min(fastest, (milliseconds, str(genotype)))
        if within(milliseconds, budget_ms):
            found[genotype], barren = milliseconds, 0
    if not found or barren == PATIENCE:
        raise SearchError(_too_tight(budget_ms, (len(found), count, tried), fastest))
    return list(found.items())


def _shuffled(space: SearchSpace[G], random: Random) -> list[G]:
    genotypes = [space.genotype(picks) for picks in combinations(space)]
    random.shuffle(genotypes)
    return genotypes


def _drawn(space: SearchSpace[G], random: Random) -> Iterator[G]:
    while True:
        yield sample(space, random)


def _too_tight(budget_ms: float | None, counts: tuple[int, int, int], fastest: tuple[float, str]) -> str:
    found, wanted, tried = counts
    milliseconds, genotype = fastest
    return (
        f"budget {budget_ms} ms: only {found} of {tried} genotypes that were tried fit, and {wanted} are wanted; "
        f"the fastest takes {milliseconds:.3g} ms ('{genotype}'). Raise the budget, ask for fewer candidates, or give "
        "the space smaller widths, coarser resolutions, fewer cells or faster operators"
    )
