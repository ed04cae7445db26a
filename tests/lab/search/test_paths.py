"""Paths that are drawn, against the probabilities of all paths within a budget."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest
import torch

from imfuse.lab.search.paths import Budget, draw_path, find_rivals

LOGITS = {"width": torch.tensor([0.0, 1.0]), "operator": torch.tensor([0.5, 0.0, -0.5])}
TIMES = {"width": (1.0, 3.0), "operator": (1.0, 2.0, 4.0)}
DRAWS = 4_000


def milliseconds(picks):
    return math.prod(TIMES[name][pick] for name, pick in picks.items())


def budget(limit):
    return Budget(milliseconds, limit)


def chance(picks):
    return math.prod(LOGITS[name].softmax(0)[pick].item() for name, pick in picks.items())


def allowed(limit):
    paths = [dict(zip(LOGITS, picks, strict=True)) for picks in itertools.product(range(2), range(3))]
    return [path for path in paths if milliseconds(path) <= limit]


@pytest.mark.parametrize("limit", [math.inf, 4.0, 2.0])
def test_paths_are_drawn_as_often_as_the_logits_say_among_those_that_keep_the_budget(limit):
    drawn = Counter(tuple(draw_path(LOGITS, seed, budget(limit)).picks.values()) for seed in range(DRAWS))
    total = sum(map(chance, allowed(limit)))
    assert set(drawn) == {tuple(path.values()) for path in allowed(limit)}
    for path in allowed(limit):
        expected = chance(path) / total
        spread = (expected * (1 - expected) / DRAWS) ** 0.5
        assert drawn[tuple(path.values())] / DRAWS == pytest.approx(expected, abs=4 * spread + 1e-9)


def test_the_largest_sum_of_logit_and_noise_is_the_pick():
    for seed in range(50):
        path = draw_path(LOGITS, seed, budget(4.0))
        for name, noise in path.noise.items():
            assert int((LOGITS[name] + noise).argmax()) == path.picks[name]


def test_where_hardly_any_path_keeps_the_budget_one_is_found_all_the_same():
    """Of 4^8 paths only the fastest, and those with one step up, keep it."""
    logits = {f"op{place}": torch.tensor([-3.0, 0.0, 1.0, 2.0]) for place in range(8)}
    tight = Budget(lambda picks: float(sum(picks.values())), 1.0)
    found = {tuple(draw_path(logits, seed, tight).picks.values()) for seed in range(40)}
    assert all(sum(picks) <= 1 for picks in found)
    assert len(found) > 4


def test_without_any_path_in_the_budget_the_fastest_is_drawn_and_has_no_rival():
    path = draw_path(LOGITS, 0, budget(0.5))
    assert path.picks == {"width": 0, "operator": 0}
    assert find_rivals(path, LOGITS, 0, budget(0.5)) == {}


@pytest.mark.parametrize("limit", [math.inf, 4.0])
def test_rivals_keep_the_budget_and_are_drawn_as_often_as_the_logits_say(limit):
    path = draw_path(LOGITS, 1, budget(limit))
    drawn = [find_rivals(path, LOGITS, seed, budget(limit)) for seed in range(DRAWS)]
    for name, logits in LOGITS.items():
        chances = logits.softmax(0).tolist()
        kept = {
            option: chances[option]
            for option in range(len(logits))
            if option != path.picks[name] and milliseconds({**path.picks, name: option}) <= limit
        }
        counted = Counter(rivals[name].option for rivals in drawn if name in rivals)
        assert set(counted) == set(kept)
        for option, probability in kept.items():
            expected = probability / sum(kept.values())
            assert counted[option] / DRAWS == pytest.approx(expected, abs=4 / DRAWS**0.5)
        if kept:
            rest = sum(kept.values())
            assert drawn[0][name].share == pytest.approx(rest / (rest + chances[path.picks[name]]) / 2)


def test_the_same_seed_draws_the_same_and_another_seed_others():
    draws = [draw_path(LOGITS, seed, budget(4.0)).picks for seed in range(20)]
    assert draws == [draw_path(LOGITS, seed, budget(4.0)).picks for seed in range(20)]
    assert len({tuple(picks.values()) for picks in draws}) > 2
