from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from imfuse.lab.bench.statistics.ranking import leaders, normalised, oriented, ranks

SMALL = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.integers(-3, 3).map(float))


@given(SMALL)
def test_ranks_are_those_of_scipy_with_the_better_rank_for_equals(values):
    np.testing.assert_array_equal(ranks(values), rankdata(-values, method="min", axis=0))


def test_infinities_rank_first_and_last_and_as_equals():
    assert ranks(np.array([1.0, np.inf, -np.inf, np.inf, 2.0, -np.inf])).tolist() == [4, 1, 5, 1, 3, 5]


def test_what_is_missing_has_no_rank_and_moves_nobody():
    np.testing.assert_array_equal(ranks(np.array([1.0, np.nan, 2.0])), [2, np.nan, 1])


def test_equals_but_for_rounding_share_a_rank():
    values = np.array([0.1 + 0.2, 0.3, 0.3 * (1 + 1e-7), 0.3 * (1 + 1e-5)])
    assert len(set(values)) == 4
    assert ranks(values).tolist() == [2, 2, 2, 1]


def test_the_axis_may_be_any():
    values = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_array_equal(ranks(values, axis=1), np.stack([ranks(part) for part in values]))


def test_metrics_are_turned_so_that_higher_is_better():
    np.testing.assert_array_equal(oriented(np.ones((1, 3)), ("EN", "MSE", "PSNR")), [[1, -1, 1]])
    assert oriented(np.ones((1, 1, 2)), ("MSE",)).tolist() == [[[-1, -1]]]


def test_the_best_and_the_next_after_them_are_found_among_equals():
    best, second = leaders(np.array([[1.0], [1.0], [3.0], [3.0], [5.0], [np.nan]]))
    assert best.ravel().tolist() == [True, True, False, False, False, False]
    assert second.ravel().tolist() == [False, False, True, True, False, False]


def test_a_column_without_ranks_has_no_leaders():
    best, second = leaders(np.full((2, 1), np.nan))
    assert not best.any()
    assert not second.any()


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([1.0, 2.0, 5.0], [0, 0.25, 1]),
        ([4.0, 4.0], [1, 1]),
        ([1.0, np.inf, 3.0, np.nan], [0, 1, 1, np.nan]),
        ([-np.inf, 1.0, 2.0], [0, 0, 1]),
        ([np.inf, np.inf], [1, 1]),
        ([np.nan, np.nan], [np.nan, np.nan]),
    ],
)
def test_places_lie_between_the_worst_and_the_best(values, places):
    np.testing.assert_array_equal(normalised(np.array(values)[:, None])[:, 0], places)
