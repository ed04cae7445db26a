"""CC and SCD against the correlation of NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imfuse.lab.metrics import functional as metrics

RNG = np.random.default_rng(0)
A, B, C, F = RNG.uniform(0, 1, (4, 12, 15))


def tensor(*pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(pixels))[None]


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_correlation_is_the_mean_of_those_of_numpy():
    expected = (correlation(A, F) + correlation(B, F) + correlation(C, F)) / 3
    assert metrics.correlation_coefficient(tensor(F), tensor(A, B, C)).item() == pytest.approx(expected, rel=1e-12)


def test_differences_are_correlated_with_the_other_source():
    expected = correlation(F - B, A) + correlation(F - A, B)
    assert metrics.sum_of_correlation_differences(tensor(F), tensor(A, B)).item() == pytest.approx(expected, rel=1e-12)


def test_differences_of_three_sources_are_to_the_mean_of_the_others():
    expected = correlation(F - (B + C) / 2, A) + correlation(F - (A + C) / 2, B) + correlation(F - (A + B) / 2, C)
    value = metrics.sum_of_correlation_differences(tensor(F), tensor(A, B, C)).item()
    assert value == pytest.approx(expected, rel=1e-12)


def test_the_sum_of_the_sources_has_the_best_value():
    value = metrics.sum_of_correlation_differences(tensor((A + B) / 2), tensor(A / 2, B / 2)).item()
    assert value == pytest.approx(2)


def test_the_negative_has_the_worst_correlation():
    assert metrics.correlation_coefficient(tensor(1 - A), tensor(A, A)).item() == pytest.approx(-1)


@pytest.mark.parametrize("count", [2, 3])
def test_the_rounding_of_a_source_less_itself_is_not_correlated(count):
    sources = tensor(A, B, C)[:, :count].float()
    single = metrics.sum_of_correlation_differences(sources[:, :1], sources)
    double = metrics.sum_of_correlation_differences(sources[:, :1].double(), sources.double())
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-4)
