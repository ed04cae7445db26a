"""Whether two methods can be told apart: paired signed-rank tests with Holm's correction."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from imfuse.lab.bench.statistics.ranking import equal

Floats = NDArray[np.float64]

LEVEL = 0.05
EXACT = 50
"""Up to so many differing images the distribution is counted out, beyond it is taken for normal."""


@dataclass(frozen=True)
class PairedTests:
    """Two-sided p-values between every pair of methods; the diagonal is 1, and NaN stands where nothing was compared.

    Attributes:
        raw: `(..., methods, methods)`, Wilcoxon signed-rank.
        corrected: the same after Holm. The family is all pairs of methods within one metric.
    """

    raw: Floats
    corrected: Floats


def pairwise(values: Floats) -> PairedTests:
    """Compare every two methods over the images that both have.

    Args:
        values: `(methods, scenes)`; NaN where there is none.
    """
    count = len(values)
    raw, corrected = np.eye(count), np.eye(count)
    pairs = list(combinations(range(count), 2))
    if pairs:
        p = np.array([signed_rank(_differences(values[i], values[j])) for i, j in pairs])
        places = tuple(np.array(pairs).T)
        raw[places], corrected[places] = p, holm(p)
    return PairedTests(np.maximum(raw, raw.T), np.maximum(corrected, corrected.T))


def signed_rank(differences: Floats) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test (Wilcoxon 1945) that differences are symmetric about zero.

    Zeros are left out, and with nothing left p is 1 (NaN for no differences at all). Ties get mid-ranks. The
    distribution over all signs is counted out exactly, ties included, for up to `EXACT` differences; beyond, the
    normal approximation with the correction of the variance for ties is used, without continuity correction.
    """
    if not len(differences):
        return float("nan")
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    rank = rankdata(np.abs(differences))
    smaller = min(rank[differences > 0].sum(), rank[differences < 0].sum())
    if len(rank) > EXACT:
        return float(min(1.0, 2 * norm.cdf((smaller - rank.sum() / 2) / (np.sqrt((rank**2).sum()) / 2))))
    return _exact(np.rint(2 * rank).astype(int), round(2 * smaller))


def holm(p: Floats) -> Floats:
    """Holm's step-down correction (1979) of a family of p-values; NaN is no member of the family.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p)
    order = order[: np.count_nonzero(~np.isnan(p))]
    factors = np.arange(len(order), 0, -1)
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected


def fewest_images(pairs: int) -> int:
    """Images from which on a signed-rank test of so many pairs can find a difference at `LEVEL` after Holm.

    If one method is better in every one of n images, p is 2 / 2^n, and the smallest of a family is multiplied by the
    number of its pairs.

    Example:
        >>> fewest_images(1), fewest_images(10)
        (6, 9)
    """
    images = 1
    while pairs * 2.0 ** (1 - images) >= LEVEL:
        images += 1
    return images


def _differences(first: Floats, second: Floats) -> Floats:
    """Differences over the images that both have; equal infinities differ by nothing, unequal ones by the most.

    What ranks take for equal, such as sums in another order, differs by nothing here too.
    """
    both = ~np.isnan(first) & ~np.isnan(second)
    first, second = first[both], second[both]
    return np.subtract(first, second, out=np.zeros(len(first)), where=~equal(first, second))


def _exact(doubled: NDArray[np.int_], smaller: int) -> float:
    """Twice the share of all choices of signs whose sum of doubled ranks is at most `smaller`."""
    ways = np.zeros(smaller + 1)
    ways[0] = 1
    for rank in doubled[doubled <= smaller]:
        ways[rank:] += ways[: len(ways) - rank].copy()
    return float(min(1.0, 2 * ways.sum() / 2.0 ** len(doubled)))
