"""The front of trials against its definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imfuse.errors import SearchError
from imfuse.lab.search.pareto import best, pareto_front
from imfuse.lab.search.strategies.trial import Trial

LOSSES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, math.inf, math.nan])
TRIALS = st.lists(st.tuples(LOSSES, st.integers(1, 5))).map(
    lambda points: [Trial(number, loss, float(ms)) for number, (loss, ms) in enumerate(points)]
)


def point(trial: Trial) -> tuple[float, float]:
    return trial.loss, trial.milliseconds


def beats(one: Trial, other: Trial) -> bool:
    at_least = one.loss <= other.loss and one.milliseconds <= other.milliseconds
    return at_least and point(one) != point(other)


@given(TRIALS)
def test_the_front_is_every_point_that_no_other_beats_once_and_in_order(trials):
    finite = [trial for trial in trials if math.isfinite(trial.loss)]
    expected = {point(trial) for trial in finite if not any(beats(other, trial) for other in finite)}
    front = pareto_front(trials)
    assert {point(trial) for trial in front} == expected
    assert len(front) == len(expected)
    assert set(front) <= set(trials)
    assert [trial.milliseconds for trial in front] == sorted(trial.milliseconds for trial in front)


@given(TRIALS.filter(lambda trials: any(math.isfinite(trial.loss) for trial in trials)), st.floats(0, 1))
def test_the_best_of_any_weight_is_on_the_front(trials, weight):
    chosen = best(trials, weight)
    assert point(chosen) in [point(trial) for trial in pareto_front(trials)]
    cost = chosen.loss + weight * chosen.milliseconds
    assert all(cost <= trial.loss + weight * trial.milliseconds for trial in trials if math.isfinite(trial.loss))


def test_of_equal_points_the_first_stays():
    assert [trial.genotype for trial in pareto_front([Trial("a", 1.0, 2.0), Trial("b", 1.0, 2.0)])] == ["a"]


@pytest.mark.parametrize("trials", [[], [Trial("a", math.inf, 1.0)]])
def test_without_a_finite_loss_there_is_no_front_and_no_best(trials):
    assert pareto_front(trials) == []
    with pytest.raises(SearchError, match="no trial has a finite loss"):
        best(trials)
