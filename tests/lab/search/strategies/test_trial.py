"""Logs of trials: what is evaluated, what is recalled, and what is refused."""

from __future__ import annotations

import math

import pytest

from imfuse.errors import SearchError
from imfuse.lab.search.strategies.trial import Trial, TrialLog, within


def test_new_trials_are_evaluated_kept_and_reported():
    reported: list[Trial] = []
    log = TrialLog({"a": 1.0, "b": 2.0}.__getitem__, report=reported.append)
    assert log.add("a", 5.0) == Trial("a", 1.0, 5.0)
    assert log.add("b", 6.0) == Trial("b", 2.0, 6.0)
    assert log.trials == reported == [Trial("a", 1.0, 5.0), Trial("b", 2.0, 6.0)]
    assert len(log) == 2
    assert log.find("b") == Trial("b", 2.0, 6.0)
    assert log.find("c") is None


def test_earlier_trials_are_neither_evaluated_nor_reported_again():
    reported: list[Trial] = []
    log = TrialLog({"b": 2.0}.__getitem__, [Trial("a", 1.0, 5.0)], reported.append)
    assert log.add("a", 5.5) == Trial("a", 1.0, 5.0)
    log.add("b", 6.0)
    assert reported == [Trial("b", 2.0, 6.0)]


def test_trials_of_another_search_are_refused_by_number_and_name():
    log = TrialLog({"a": 1.0}.__getitem__, [Trial("z", 1.0, 5.0)])
    with pytest.raises(SearchError, match=r"trial 1 of the earlier run is 'z', but this search comes to 'a'.*seed"):
        log.add("a", 5.0)


def test_a_loss_that_is_not_a_number_counts_as_infinite():
    assert TrialLog(lambda genotype: math.nan).add("a", 1.0).loss == math.inf


@pytest.mark.parametrize(("milliseconds", "kept"), [(3.0, True), (3.0000000001, True), (3.001, False)])
def test_a_budget_allows_for_the_rounding_of_sums_only(milliseconds, kept):
    assert within(milliseconds, 3.0) == kept
