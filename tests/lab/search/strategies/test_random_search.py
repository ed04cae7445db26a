"""Random search: what it draws, what it refuses, and that it goes on as if it had never stopped."""

from __future__ import annotations

import random as python_random
from collections import Counter

import pytest

from imfuse.errors import SearchError
from imfuse.lab.search.space import Space
from imfuse.lab.search.strategies import random_search
from imfuse.lab.search.strategies.random_search import ENUMERABLE, random_candidates
from imfuse.lab.search.strategies.trial import Trial

TINY = Space(kinds=("csc",), operators=("res_3", "dil_3", "conv_3"), slots=2, cells=(1,))
LARGE = Space(cells=(0, 1, 2), widths=(8, 16), resolutions=(1, 2, 4))
"""One of 9 that are walked through, and one far too large for that."""


def loss(genotype) -> float:
    return python_random.Random(str(genotype)).random()


def latency(genotype) -> float:
    operators = [operator for cell in genotype.cells for operator in cell.operators]
    return genotype.width / genotype.resolution * (1 + sum(len(operator) for operator in operators))


def never(genotype) -> float:
    raise AssertionError(f"{genotype} was evaluated")


@pytest.mark.parametrize("space", [TINY, LARGE])
def test_trials_are_different_genotypes_with_their_loss_and_latency(space):
    trials = random_search(space, loss, latency, candidates=8, seed=3)
    assert len({trial.genotype for trial in trials}) == len(trials) == 8
    assert all(trial == Trial(trial.genotype, loss(trial.genotype), latency(trial.genotype)) for trial in trials)
    assert all(trial.genotype in space for trial in trials)


@pytest.mark.parametrize("space", [TINY, LARGE])
def test_the_seed_decides(space):
    runs = [random_search(space, loss, latency, candidates=6, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("space", [TINY, LARGE])
def test_what_is_above_the_budget_is_never_evaluated(space):
    every = sorted(latency(genotype) for genotype, _ in random_candidates(space, latency, 9, None, make(0)))
    budget = every[4]
    trials = random_search(space, loss, latency, candidates=5, budget_ms=budget)
    assert trials
    assert all(trial.milliseconds <= budget for trial in trials)


@pytest.mark.parametrize("space", [TINY, LARGE])
@pytest.mark.parametrize("cut", range(8))
def test_it_goes_on_as_if_it_had_never_stopped(space, cut):
    whole = random_search(space, loss, latency, candidates=7, budget_ms=200.0 if space is LARGE else None, seed=5)
    new: list[Trial] = []
    again = random_search(
        space,
        loss,
        latency,
        candidates=7,
        budget_ms=200.0 if space is LARGE else None,
        seed=5,
        done=whole[:cut],
        report=new.append,
    )
    assert again == whole
    assert new == whole[cut:]


def test_a_tiny_space_is_walked_through_once_every_order_being_possible():
    trials = random_search(TINY, loss, latency, candidates=100)
    assert len(trials) == len({trial.genotype for trial in trials}) == TINY.size == 9
    firsts = Counter(random_candidates(TINY, latency, 1, None, make(seed))[0][0] for seed in range(900))
    assert len(firsts) == 9
    assert all(60 < count < 145 for count in firsts.values())  # 100 expected, with a standard deviation of 9.4


@pytest.mark.parametrize("space", [TINY, LARGE])
def test_a_budget_that_nothing_keeps_is_refused_before_anything_is_evaluated(space):
    with pytest.raises(SearchError, match=r"budget 0\.5 ms: only 0 of \d+ .* the fastest takes .* Raise the budget"):
        random_search(space, never, latency, candidates=4, budget_ms=0.5)


def test_a_large_space_of_which_hardly_anything_fits_is_refused_and_names_the_fastest():
    assert LARGE.size > ENUMERABLE
    with pytest.raises(SearchError, match=r"only 3 of \d+ .* and 40 are wanted; the fastest takes 2 ms \('x4 w8"):
        random_search(LARGE, never, latency, candidates=40, budget_ms=4.0)


def test_a_tiny_space_of_which_little_fits_ends_early():
    trials = random_search(TINY, loss, latency, candidates=9, budget_ms=48 * 11.0)
    assert [trial.milliseconds for trial in trials] == [48 * 11.0] * 4


def test_no_candidates_are_refused():
    with pytest.raises(ValueError, match="candidates 0"):
        random_search(TINY, never, latency, candidates=0)


def make(seed: int) -> python_random.Random:
    return python_random.Random(seed)
