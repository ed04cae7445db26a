"""Ranks of methods: 1 is best, equals share the better rank, and what was not measured has none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse.lab.metrics.registry import METRICS

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOLERANCE = 1e-6
"""Values that differ relatively by less are equal: that much comes of rounding, on another machine or in float32."""


def oriented(values: Floats, metrics: tuple[str, ...]) -> Floats:
    """Values `(methods, metrics, ...)` turned so that higher is better in every metric."""
    signs = np.array([1.0 if METRICS[name].higher_is_better else -1.0 for name in metrics])
    return values * signs.reshape(1, -1, *[1] * (values.ndim - 2))


def ranks(values: Floats, axis: int = 0) -> Floats:
    """Rank of each value along `axis`, where higher is better: one more than the number of better values.

    Infinities are ranked as what they are, and equal to each other. NaN has the rank NaN and is better than nothing.

    Example:
        >>> ranks(np.array([3.0, 7.0, 7.0, np.nan, np.inf]))
        array([ 4.,  2.,  2., nan,  1.])
    """
    values = np.moveaxis(values, axis, 0)
    margin = np.where(np.isinf(values), 0, TOLERANCE * np.abs(values))
    better = np.stack([(values > one).sum(0) for one in values + margin]) if len(values) else values
    return np.moveaxis(np.where(np.isnan(values), np.nan, 1.0 + better), 0, axis)


def equal(first: Floats, second: Floats) -> Flags:
    """Which values are the same within `TOLERANCE`, as ranks take them; equal infinities are, NaN is not.

    Example:
        >>> equal(np.array([0.3, 0.3, np.inf]), np.array([0.1 + 0.2, 0.4, np.inf]))
        array([ True, False,  True])
    """
    largest = np.maximum(np.abs(first), np.abs(second))
    with np.errstate(invalid="ignore"):
        return (first == second) | (np.isfinite(largest) & (np.abs(first - second) <= TOLERANCE * largest))


def leaders(ranked: Floats) -> tuple[Flags, Flags]:
    """Which of the ranks `(methods, metrics)` are the best and the second best of their column, ties included."""
    best = ranked == _smallest(ranked)
    return best, ranked == _smallest(np.where(best, np.nan, ranked))


def normalised(values: Floats) -> Floats:
    """Place of each of the values `(methods, metrics)`, higher is better, between the worst (0) and the best (1).

    Finite values are placed among the finite ones; infinity is 1, minus infinity 0, and where all are equal all are 1.
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    low, high = _smallest(finite), -_smallest(-finite)
    apart = high - low > TOLERANCE * np.abs(high)
    place = np.where(apart, (finite - low) / np.where(apart, high - low, 1), 1.0)
    return np.where(np.isfinite(values), place, np.where(np.isnan(values), np.nan, values > 0))


def _smallest(values: Floats) -> Floats:
    """Smallest of each column without NaN, NaN for an empty one: `np.nanmin` without its warning."""
    smallest = np.min(np.where(np.isnan(values), np.inf, values), axis=0, initial=np.inf)
    return np.where(np.isnan(values).all(axis=0), np.nan, smallest)
