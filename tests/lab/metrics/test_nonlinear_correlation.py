"""Qncie equals its formula from NumPy's histograms and eigenvalues, and its closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import nonlinear_correlation
from imfuse.lab.metrics.registry import METRICS


def images(channels: int, seed: int, height: int = 24, width: int = 31, batch: int = 2) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(0).random((batch, 1, height, width))
    return torch.from_numpy(np.round(0.6 * shared + 0.4 * rng.random((batch, channels, height, width)), 2))


def entropy(counts: np.ndarray) -> float:
    """In units of log 256."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum() / np.log(256))


def by_the_formula(planes: list[np.ndarray]) -> float:
    levels = [np.floor(plane * 255 + 0.5).ravel() for plane in planes]
    matrix = np.eye(len(levels))
    for i, j in np.ndindex(*matrix.shape):
        if i != j:
            joint, _, _ = np.histogram2d(levels[i], levels[j], bins=256, range=[(-0.5, 255.5)] * 2)
            matrix[i, j] = entropy(joint.sum(0)) + entropy(joint.sum(1)) - entropy(joint)
    share = np.linalg.eigvalsh(matrix) / len(levels)
    return float(1 + (share * np.log(share)).sum() / np.log(256))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_it_is_the_formula(count):
    fused, sources = images(1, 1), images(count, 2)
    expected = [by_the_formula([*s.numpy(), f[0].numpy()]) for f, s in zip(fused, sources, strict=True)]
    np.testing.assert_allclose(nonlinear_correlation(fused, sources), expected, rtol=1e-9)
    single = nonlinear_correlation(fused.float(), sources.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, expected, rtol=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (20, 20)])
def test_constant_images_have_the_least(level, size):
    fused = torch.full((2, 1, *size), level)
    for sources in (fused.expand(-1, 2, -1, -1), torch.rand(2, 2, *size)):
        value = nonlinear_correlation(fused, sources)
        if sources is not fused and size != (1, 1):
            assert torch.isfinite(value).all()
        else:
            torch.testing.assert_close(value, torch.full((2,), 1 - math.log(3, 256)))
    assert nonlinear_correlation(fused, fused.expand(-1, 2, -1, -1))[0].item() == pytest.approx(1 - math.log(3, 256))


def test_independent_images_have_the_least_and_equal_ones_of_all_levels_have_one():
    ramp = torch.arange(256, dtype=torch.float64) / 255
    grid = ramp[:16].view(1, 1, 16, 1) * 17
    planes = torch.stack(torch.meshgrid(grid.ravel(), grid.ravel(), grid.ravel(), indexing="ij")).view(1, 3, 64, 64)
    value = nonlinear_correlation(planes[:, :1], planes[:, 1:]).item()
    assert value == pytest.approx(1 - math.log(3, 256), abs=1e-12)
    every_level = ramp.view(1, 1, 16, 16)
    assert nonlinear_correlation(every_level, every_level.expand(-1, 2, -1, -1)).item() == pytest.approx(1)


def test_a_negative_is_as_good():
    fused, sources = images(1, 1), images(2, 2)
    torch.testing.assert_close(nonlinear_correlation(1 - fused, sources), nonlinear_correlation(fused, sources))


def test_neither_the_order_of_the_sources_nor_the_batch_matters():
    fused, sources = images(1, 1), images(3, 2)
    values = nonlinear_correlation(fused, sources)
    torch.testing.assert_close(nonlinear_correlation(fused, sources.flip(1)), values)
    each = [nonlinear_correlation(fused[i : i + 1], sources[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(torch.cat(each), values)


def test_following_the_sources_is_better_than_noise():
    sources = images(2, 2)
    assert (METRICS["Qncie"](sources.mean(1, keepdim=True), sources) > METRICS["Qncie"](images(1, 7), sources)).all()


def test_nan_is_refused():
    fused = images(1, 1)
    fused[0, 0, 3, 4] = math.nan
    with pytest.raises(MetricError, match="NaN"):
        nonlinear_correlation(fused, images(2, 2))
