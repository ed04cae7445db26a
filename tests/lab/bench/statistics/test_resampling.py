from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from imfuse.lab.bench.statistics.resampling import deviations, mean_intervals, mean_rank_intervals, means

NAN, INF = float("nan"), float("inf")


def everything(values: np.ndarray) -> np.ndarray:
    return np.ones(values.shape, dtype=bool)


def test_means_and_deviations_are_over_what_is_there():
    values = np.array([[1.0, 2.0, 6.0, NAN], [NAN, NAN, 5.0, NAN], [NAN] * 4])
    np.testing.assert_allclose(means(values, everything(values)), [3, 5, NAN])
    np.testing.assert_allclose(deviations(values, everything(values)), [np.std([1, 2, 6], ddof=1), NAN, NAN])
    np.testing.assert_allclose(means(values, values < 3), [1.5, NAN, NAN])


@pytest.mark.parametrize(("row", "mean"), [([1, INF, 2], INF), ([1, -INF, 2], -INF), ([INF, -INF, 2], NAN)])
def test_an_infinite_value_makes_the_mean_infinite_and_the_deviation_unknown(row, mean):
    values = np.array([row])
    np.testing.assert_array_equal(means(values, everything(values)), [mean])
    np.testing.assert_array_equal(deviations(values, everything(values)), [NAN])


def test_intervals_of_means_agree_with_scipy():
    values = np.random.default_rng(0).gamma(2.0, size=(3, 40))
    low, high = mean_intervals(values, everything(values), 20_000, seed=1)
    for row in range(3):
        expected = bootstrap(
            (values[row],), np.mean, n_resamples=20_000, method="percentile", rng=2
        ).confidence_interval
        np.testing.assert_allclose([low[row], high[row]], expected, atol=0.03)


def test_intervals_of_means_hold_the_true_mean_as_often_as_they_should():
    values = np.random.default_rng(3).normal(7.0, 2.0, size=(600, 60))
    low, high = mean_intervals(values, everything(values), 1000, seed=0)
    assert 0.92 < np.mean((low <= 7) & (high >= 7)) < 0.97


def test_images_that_a_method_lacks_do_not_touch_its_interval():
    values = np.random.default_rng(0).normal(size=(1, 30))
    wide = np.concatenate([values, np.full((1, 30), NAN)], axis=1)
    low, high = mean_intervals(values, everything(values), 4000, seed=0)
    low_wide, high_wide = mean_intervals(wide, everything(wide), 4000, seed=0)
    np.testing.assert_allclose([low_wide, high_wide], [low, high], atol=0.05)


def test_infinite_images_make_the_upper_end_infinite_when_they_are_many():
    values = np.array([[1.0, 2.0, 3.0, INF]])
    low, high = mean_intervals(values, everything(values), 500, seed=0)
    assert np.isfinite(low[0])
    assert high[0] == INF


def test_mean_rank_intervals_agree_with_plain_resampling():
    values = np.random.default_rng(5).normal(size=(4, 3, 25)) + np.arange(4)[:, None, None] * 0.2
    low, high = mean_rank_intervals(values, 4000, seed=0)
    generator = np.random.default_rng(1)
    plain = []
    for _ in range(4000):
        mean = values[..., generator.integers(0, 25, 25)].mean(axis=2)
        plain.append((1 + (mean[None] > mean[:, None]).sum(axis=1)).mean(axis=1))
    expected = np.percentile(plain, [2.5, 97.5], axis=0)
    np.testing.assert_allclose([low, high], expected, atol=0.34)  # one rank in one of three metrics
    assert np.mean(np.abs(np.array([low, high]) - expected)) < 0.1


def test_equal_methods_have_equal_ranks_in_every_resample():
    row = np.random.default_rng(0).normal(size=(1, 13, 37))
    values = np.concatenate([row, row - 1, row, row], axis=0)
    low, high = mean_rank_intervals(values, 300, seed=0)
    assert low.tolist() == high.tolist() == [1, 4, 1, 1]


def test_the_seed_decides():
    values = np.random.default_rng(0).normal(size=(3, 2, 20))
    first, again, other = (mean_intervals(values, everything(values), 100, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
