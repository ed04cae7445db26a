from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from imfuse.lab.bench.statistics.significance import holm, pairwise, signed_rank

NAN, INF = float("nan"), float("inf")


def counted_out(differences: list[float]) -> float:
    """Two-sided p over all choices of signs, straight from the definition."""
    kept = np.array([d for d in differences if d != 0])
    if not len(kept):
        return 1.0
    rank = rankdata(np.abs(kept))
    sums = np.array([np.dot(rank, signs) for signs in product((0, 1), repeat=len(kept))])
    observed = min(rank[kept > 0].sum(), rank[kept < 0].sum())
    return min(1.0, 2 * float(np.mean(sums <= observed)))


def step_down(p: list[float]) -> list[float]:
    """Holm by its definition: the smallest times m, the next times m - 1, never below the one before."""
    corrected, before = [0.0] * len(p), 0.0
    for place, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        before = max(before, min(1.0, (len(p) - place) * p[index]))
        corrected[index] = before
    return corrected


@given(st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=9))
def test_few_differences_are_counted_out_with_ties_and_zeros(differences):
    assert signed_rank(np.array(differences)) == pytest.approx(counted_out(differences), abs=1e-12)


@pytest.mark.parametrize("count", [6, 25, 50])
def test_untied_differences_have_the_exact_p_of_scipy(count):
    differences = np.random.default_rng(count).normal(0.3, 1, count)
    assert signed_rank(differences) == pytest.approx(wilcoxon(differences).pvalue, rel=1e-9)


@pytest.mark.parametrize("decimals", [6, 1])
def test_many_differences_have_the_p_of_scipys_normal_approximation(decimals):
    differences = np.random.default_rng(0).normal(0.2, 1, 120).round(decimals)
    expected = wilcoxon(differences, zero_method="wilcox", correction=False).pvalue
    assert signed_rank(differences) == pytest.approx(expected, rel=1e-9)


def test_the_exact_p_runs_into_the_approximation():
    shifted = np.random.default_rng(4).normal(0.3, 1, 51)
    assert signed_rank(shifted[:50]) == pytest.approx(signed_rank(shifted), abs=0.02)


def test_differences_of_nothing_prove_nothing():
    assert signed_rank(np.zeros(30)) == 1
    assert signed_rank(np.array([5.0])) == 1
    assert np.isnan(signed_rank(np.array([])))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_follows_its_definition(p):
    np.testing.assert_allclose(holm(np.array(p)), step_down(p))


def test_holm_leaves_out_what_was_not_tested():
    np.testing.assert_allclose(holm(np.array([0.02, NAN, 0.01])), [0.02, NAN, 0.02])


def test_every_pair_is_compared_and_corrected_within_the_family():
    values = np.random.default_rng(0).normal(size=(4, 15)) + np.array([[0], [0.2], [1], [2]])
    tests = pairwise(values)
    upper = np.triu_indices(4, 1)
    raw = [wilcoxon(values[i] - values[j]).pvalue for i, j in zip(*upper, strict=True)]
    np.testing.assert_allclose(tests.raw[upper], raw)
    np.testing.assert_allclose(tests.corrected[upper], step_down(raw))
    np.testing.assert_array_equal(tests.raw, tests.raw.T)
    np.testing.assert_array_equal(np.diag(tests.corrected), 1)


def test_methods_without_common_images_are_not_compared():
    tests = pairwise(np.array([[1.0, 2.0, NAN, NAN], [NAN, NAN, 1.0, 2.0], [3.0, 3.0, 3.0, 3.0]]))
    assert np.isnan(tests.raw[0, 1])
    assert np.isnan(tests.corrected[1, 0])
    assert tests.raw[0, 2] == 0.5
    assert tests.corrected[0, 2] == 1


def test_infinite_values_differ_from_finite_ones_by_the_most_and_from_each_other_by_nothing():
    first = np.array([INF, INF, 5.0, 4.0, 3.0, 2.0, 1.5])
    second = np.array([INF, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    large = np.where(np.isinf(first), 1e6, first)
    assert pairwise(np.stack([first, second])).raw[0, 1] == signed_rank(np.append(large[1:] - second[1:], 0))


def test_values_that_differ_by_rounding_alone_differ_by_nothing():
    values = np.random.default_rng(0).uniform(0.1, 1, 40)
    rounded = np.nextafter(values, 2)
    assert (rounded > values).all()
    tests = pairwise(np.stack([values, rounded, values + 1e-6]))
    assert tests.raw[0, 1] == 1
    assert tests.raw[0, 2] < 1e-6


def test_methods_of_one_distribution_are_called_different_as_often_as_the_level_says():
    generator = np.random.default_rng(0)
    found = np.mean([signed_rank(generator.normal(size=30)) < 0.05 for _ in range(2000)])
    assert 0.035 < found < 0.06
