"""Regularised evolution: what it evaluates, who lives and dies, and that it goes on as if it had never stopped."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from random import Random

import pytest

from imfuse.errors import SearchError
from imfuse.lab.search.choices import mutate
from imfuse.lab.search.space import Space
from imfuse.lab.search.strategies import evolution, random_search
from imfuse.lab.search.strategies.trial import Trial

SPACE = Space(kinds=("csc", "cdc"), cells=(0, 1, 2), widths=(8, 16))
TINY = Space(kinds=("csc",), operators=("res_3", "dil_3", "conv_3"), slots=2, cells=(1,))


def latency(genotype) -> float:
    return genotype.width * (1.0 + sum(len(operator) for cell in genotype.cells for operator in cell.operators))


def loss(genotype) -> float:
    """Lowest at one genotype, and the lower the more decisions are as there."""
    aim = SPACE.picks(SPACE.genotype({choice.name: 1 for choice in SPACE.choices}))
    picks = SPACE.picks(genotype)
    return sum(picks.get(name) != pick for name, pick in aim.items()) / len(aim)


def noise(genotype) -> float:
    return Random(str(genotype)).random()


def test_the_seed_decides_and_every_trial_is_another_genotype():
    runs = [evolution(SPACE, noise, latency, candidates=40, population=8, seed=seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert len({trial.genotype for trial in runs[0]}) == len(runs[0]) == 40


@pytest.mark.parametrize("cut", range(31))
def test_it_goes_on_as_if_it_had_never_stopped(cut):
    options = {"candidates": 30, "population": 6, "tournament": 3, "budget_ms": 200.0, "seed": 4}
    whole = evolution(SPACE, noise, latency, **options)
    new: list[Trial] = []
    assert evolution(SPACE, noise, latency, **options, done=whole[:cut], report=new.append) == whole
    assert new == whole[cut:]


def test_more_candidates_continue_the_same_search():
    short = evolution(SPACE, noise, latency, candidates=12, population=6)
    assert evolution(SPACE, noise, latency, candidates=20, population=6, done=short)[:12] == short


def test_nothing_is_evaluated_twice_nor_above_the_budget():
    seen = Counter()
    trials = evolution(
        SPACE, lambda genotype: seen.update([genotype]) or noise(genotype), latency, candidates=50, budget_ms=150.0
    )
    assert set(seen.values()) == {1}
    assert set(seen) == {trial.genotype for trial in trials}
    assert max(trial.milliseconds for trial in trials) <= 150.0


def test_it_comes_closer_to_the_best_than_random_search_does():
    def lowest(search, **options) -> float:
        runs = [search(SPACE, loss, latency, candidates=150, seed=seed, **options) for seed in range(10)]
        return sum(min(trial.loss for trial in trials) for trials in runs) / 10

    assert lowest(evolution, population=10, tournament=5) < 0.5 * lowest(random_search)


def test_the_first_population_is_that_of_random_search_and_children_differ_by_one_decision():
    trials = evolution(SPACE, loss, latency, candidates=40, population=10, seed=7)
    assert trials[:10] == random_search(SPACE, loss, latency, candidates=10, seed=7)
    for number, child in enumerate(trials[10:], 10):
        assert any(by_one_decision(child.genotype, other.genotype) for other in trials[:number])


def test_parents_are_the_best_of_a_draw_and_even_the_best_dies_of_age(monkeypatch):
    joined: list[Trial] = []
    parents = []

    def spy(space, parent, random):
        parents.append((parent, joined[-6:]))
        child = mutate(space, parent, random)
        joined.append(Trial(child, noise(child), latency(child)))
        return child

    monkeypatch.setattr(import_module("imfuse.lab.search.strategies.evolution"), "mutate", spy)
    evolution(
        SPACE, noise, latency, candidates=300, population=6, tournament=3, report=lambda trial: first(trial, joined)
    )
    ranks = [sorted(alive, key=lambda trial: trial.loss) for _, alive in parents]
    places = [
        [trial.genotype for trial in rank].index(parent) for (parent, _), rank in zip(parents, ranks, strict=True)
    ]
    assert len(joined) >= 300
    assert len(set(places)) >= 4  # the worst are parents only where nobody better was drawn
    assert places.count(0) / len(places) == pytest.approx(1 - (5 / 6) ** 3, abs=0.1)  # drawn with replacement
    assert min(joined, key=lambda trial: trial.loss) not in joined[-6:]


def test_a_weight_draws_it_to_faster_networks_and_leaves_the_losses_as_they_are():
    space = Space(kinds=("csc", "cdc"), widths=(8, 16))

    def later_trials(weight: float) -> list[Trial]:
        options = {"candidates": 80, "population": 10, "weight": weight}
        return [trial for seed in range(4) for trial in evolution(space, noise, latency, seed=seed, **options)[40:]]

    plain, weighed = (sum(trial.milliseconds for trial in later_trials(weight)) for weight in (0.0, 0.01))
    assert weighed < 0.75 * plain
    assert all(trial.loss == noise(trial.genotype) for trial in later_trials(0.01))


def test_a_tiny_space_ends_early_with_every_genotype_that_fits():
    assert len(evolution(TINY, noise, latency, candidates=50, population=4)) == TINY.size == 9
    fitting = evolution(TINY, noise, latency, candidates=50, population=4, budget_ms=48 * 11.0)
    assert [trial.milliseconds for trial in fitting] == [48 * 11.0] * 4
    alone = Space(kinds=("csc",), operators=("res_3",), cells=(1,))
    assert len(evolution(alone, noise, latency, candidates=5)) == 1


def test_diverged_candidates_lose_every_tournament_but_do_not_stop_the_search():
    trials = evolution(TINY, lambda genotype: float("nan"), latency, candidates=6, population=3)
    assert [trial.loss for trial in trials] == [float("inf")] * 6


def test_a_budget_that_nothing_keeps_and_trials_of_another_search_are_refused():
    with pytest.raises(SearchError, match="Raise the budget"):
        evolution(SPACE, noise, latency, candidates=5, budget_ms=1.0)
    done = evolution(SPACE, noise, latency, candidates=12, population=6, seed=1)
    with pytest.raises(SearchError, match="trial 1 of the earlier run"):
        evolution(SPACE, noise, latency, candidates=12, population=6, seed=2, done=done)


@pytest.mark.parametrize("option", ["candidates", "population", "tournament"])
def test_numbers_below_one_are_refused(option):
    with pytest.raises(ValueError, match=f"{option} 0"):
        evolution(SPACE, noise, latency, **{"candidates": 5, option: 0})


def first(trial: Trial, joined: list[Trial]) -> None:
    """Keep the first population, which no mutation made."""
    if len(joined) < 6:
        joined.append(trial)


def by_one_decision(one, other) -> bool:
    """Whether what both decide differs in one pick, as after one mutation."""
    ours, theirs = SPACE.picks(one), SPACE.picks(other)
    return sum(ours[name] != theirs[name] for name in ours.keys() & theirs.keys()) == 1
