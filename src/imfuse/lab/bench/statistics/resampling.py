"""Means over images, and how far they would move with other images: the percentile bootstrap (Efron 1979)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.bench.statistics.ranking import ranks

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COVERAGE = 0.95
BLOCK = 256
"""Resamples that are computed at once, so that memory does not grow with their number."""


def means(values: Floats, used: Flags) -> Floats:
    """Mean over the last axis of the values that are used and not NaN; NaN where there are none.

    One infinite value makes the mean infinite, as one perfect image does to PSNR; both infinities make it NaN.
    """
    return _weighted_means(values, used, np.ones((1, values.shape[-1])))[0]


def deviations(values: Floats, used: Flags) -> Floats:
    """Sample standard deviation (n - 1) over the last axis; NaN for fewer than two values or infinite ones."""
    used = used & ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.where(used, (values - means(values, used)[..., None]) ** 2, 0).sum(-1)
        count = used.sum(-1)
        return np.sqrt(np.where(count > 1, squares / (count - 1), np.nan))


def mean_intervals(values: Floats, used: Flags, resamples: int, seed: int) -> tuple[Floats, Floats]:
    """Ends of the 95 % intervals of `means` over images that are drawn with replacement."""
    blocks = [_weighted_means(values, used, block) for block in _draws(values.shape[-1], resamples, seed)]
    return _interval(np.concatenate(blocks))


def mean_rank_intervals(values: Floats, resamples: int, seed: int) -> tuple[Floats, Floats]:
    """Ends of the 95 % intervals of each method's mean rank over the metrics.

    In each resample of the images the means, their ranks and the mean of the ranks are computed anew.

    Args:
        values: `(methods, metrics, scenes)`, higher is better, without NaN.
        resamples: how many times images are drawn.
        seed: of the draws.
    """
    used = np.ones(values.shape, dtype=bool)
    blocks = [
        ranks(_weighted_means(values, used, block), axis=1).mean(axis=2)
        for block in _draws(values.shape[-1], resamples, seed)
    ]
    return _interval(np.concatenate(blocks))


def _draws(scenes: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each scene is drawn: blocks of `(resamples, scenes)`."""
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, BLOCK):
        count = min(BLOCK, resamples - start)
        yield generator.multinomial(scenes, np.full(scenes, 1 / scenes), size=count).astype(np.float64)


def _weighted_means(values: Floats, used: Flags, weights: Floats) -> Floats:
    """Means `(draws, ...)` of `values (..., scenes)` for each row of `weights (draws, scenes)`."""
    used = used & ~np.isnan(values)
    shape = (-1, *values.shape[:-1])
    finite = np.where(used & np.isfinite(values), values, 0).reshape(-1, values.shape[-1])
    weight = used.reshape(finite.shape).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = ((weights @ finite.T) / (weights @ weight.T)).reshape(shape)
    for infinity in (np.inf, -np.inf):
        held = used & (values == infinity)
        if held.any():
            drawn = (weights @ held.reshape(finite.shape).T.astype(np.float64)).reshape(shape) > 0
            mean = np.where(drawn, np.where(np.isinf(mean) & (mean != infinity), np.nan, infinity), mean)
    return mean


def _interval(samples: Floats) -> tuple[Floats, Floats]:
    """The outer order statistics of `(resamples, ...)`, NaN left out; no interpolation, which infinities forbid."""
    ordered = np.sort(samples, axis=0)  # NaN last
    count = (~np.isnan(ordered)).sum(axis=0)
    tail = np.floor((1 - COVERAGE) / 2 * count).astype(int)
    low, high = (
        np.take_along_axis(ordered, np.clip(place, 0, len(ordered) - 1)[None], 0)[0]
        for place in (tail, count - 1 - tail)
    )
    return np.where(count, low, np.nan), np.where(count, high, np.nan)
