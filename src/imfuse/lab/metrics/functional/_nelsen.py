"""Information that windows of two images share, by Nelsen's joint distribution (Haghighat et al. 2011).

The nine values of a 3 x 3 window, less the smallest and over their sum, are taken for a distribution over nine places,
in column order. Two of them, f and a with the distribution functions F and A, get the joint distribution

    phi U + (1 - phi) f a,

U the density of Fréchet's upper bound min(F, A), and phi the correlation of the values f and a over that of the places
under U, the largest possible. Where the former is negative, the lower bound max(F + A - 1, 0) takes the place of U. It
is the upper bound of f and the reversed a, and needs no code of its own.

U is 0 but on 17 of the 81 cells, a staircase: min(F, A) grows only where the intervals of F and those of A on [0, 1]
overlap, and these are as many as there are gaps between the eight inner values of F and the eight of A in common order.
All other cells hold (1 - phi) f a, and what they add to the joint entropy follows from the marginal entropies. So a
window costs one merge and the logarithms of 34 numbers, not 81 cells.

This is NumPy and OpenCV on the CPU, in chunks that stay in its cache, because the operations are many and short, and
PyTorch takes two to three times as long for them. Distribution functions are integers there, of 16 bits for float32 and
32 for float64; the lowest bit tells values of A from values of F.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 3
PLACES = SIDE**2
INNER = PLACES - 1
"""Values of a distribution function but the last, which is 1."""
STEPS = 2 * INNER
CELLS = STEPS + 1
"""Of the staircase."""
CHUNK = 4096
"""Windows at a time, of one image."""


def shared_information(features: NDArray, real: type[np.float32 | np.float64] = np.float64) -> NDArray:
    """Mutual information of the windows of the first image and each other one, over the mean of their entropies.

    A window that is equal in both has 1. Otherwise one that is constant in either has 0.

    Args:
        features: `(1 + n, h, w)`, float32 or float64, sides of at least three.
        real: precision of the distributions.

    Returns:
        The mean over the windows inside the images, `(n,)`.
    """
    square = np.ones((SIDE, SIDE), np.uint8)
    inside = np.s_[SIDE // 2 : -(SIDE // 2), SIDE // 2 : -(SIDE // 2)]
    unequal = (features[1:] != features[:1]).astype(np.uint8)
    unequal = np.stack([cv2.dilate(each, square)[inside] for each in unequal]) > 0
    smallest = np.stack([cv2.erode(each, square)[inside] for each in features])
    total = np.zeros(len(features) - 1)
    chunk = None
    for top, bottom in _rows(*unequal.shape[1:]):
        shape = (len(total), bottom - top, unequal.shape[2])
        if chunk is None or chunk.shape != shape:
            chunk = _Chunk(shape, real)
        information = chunk.information(features[:, top : bottom + SIDE - 1], smallest[:, top:bottom])
        total += np.where(unequal[:, top:bottom], information, 1).sum((1, 2), dtype=np.float64)
    return total / math.prod(unequal.shape[1:])


def _rows(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Rows of windows from and to, all chunks of one size but the last."""
    chunks = math.ceil(height / max(1, CHUNK // width))
    step = math.ceil(height / chunks)
    return ((top, min(top + step, height)) for top in range(0, height, step))


class _Chunk:
    """Arrays for `(n, rows, columns)` windows, kept because to allocate them takes as long as to fill them."""

    def __init__(self, shape: tuple[int, int, int], real: type[np.float32 | np.float64]) -> None:
        self.shape = shape
        sources, count = shape[0], shape[1] * shape[2]
        self.real = real
        self.level = np.uint16 if real is np.float32 else np.uint32
        self.one = 2**15 - 1 if real is np.float32 else 2**24
        """What stands for 1 in a distribution function; all sums of products in `_scale` are exact."""
        self.tiny = real(np.finfo(real).tiny * 2**20)

        def reals(*rows: int) -> NDArray:
            return np.empty((*rows, count), real)

        def levels(*rows: int) -> NDArray:
            return np.empty((*rows, count), self.level)

        self.density, self.spare = reals(PLACES, 1 + sources), reals(PLACES, 1 + sources)
        self.distribution, self.facing = reals(INNER, 1 + sources), reals(INNER, sources)
        self.products = reals(PLACES, sources)
        self.steps, self.merged, self.mask = (levels(STEPS, sources) for _ in range(3))
        self.below, self.above, self.extents = (
            levels(STEPS, 2, sources),
            levels(CELLS, 2, sources),
            levels(CELLS, sources),
        )
        self.widths, self.shares = reals(CELLS, 2, sources), reals(2, CELLS, sources)
        self.centred = (2 * np.arange(INNER) + 1 - INNER).astype(real)
        gaps = np.cumsum((2 * np.arange(STEPS) + 1 - STEPS)[::-1])[::-1]
        self.gap_weights = np.append(gaps, 0).astype(real)

    def information(self, features: NDArray, smallest: NDArray) -> NDArray:
        """Of each window of each source with that of the first image, `(n, rows, columns)`."""
        self._cut(features, smallest)
        flat, entropy, power = self._marginals()
        covariance = self._face()
        self._merge()
        self._measure_cells()
        similarity = np.abs(covariance) / np.sqrt(power[:1] * power[1:])
        both = entropy[:1] + entropy[1:]
        shared = both - self._joint_entropy(similarity * self._scale(covariance < 0), both)
        shared[flat[:1] | flat[1:]] = 0
        return (2 * shared / np.maximum(both, self.tiny)).reshape(self.shape)

    def _cut(self, features: NDArray, smallest: NDArray) -> None:
        """Values of each place less the smallest of the window, columns first."""
        _, rows, columns = self.shape
        places = self.density.reshape(PLACES, -1, rows, columns)
        for place in range(PLACES):
            left, top = divmod(place, SIDE)
            np.subtract(features[:, top : top + rows, left : left + columns], smallest, out=places[place])

    def _marginals(self) -> tuple[NDArray, NDArray, NDArray]:
        """Fill in densities and distribution functions; whether each is constant, its entropy and its power."""
        density, spare, distribution = self.density, self.spare, self.distribution
        total = self._sum(density)
        flat = total == 0
        total[flat] = 1
        density /= total
        distribution[0] = density[0]
        for place in range(1, INNER):
            np.add(distribution[place - 1], density[place], out=distribution[place])
        distribution *= self.real(self.one)
        np.rint(distribution, out=distribution)
        np.multiply(density, density, out=spare)
        power = self._sum(spare) - self.real(1 / PLACES)
        np.add(density, self.tiny, out=spare)
        _logarithm(spare)
        spare *= density
        # A window that is not flat has a power of 1 / 72 or more.
        return flat, -self._sum(spare), np.maximum(power, self.real(1e-3))

    def _sum(self, rows: NDArray, weights: NDArray | None = None) -> NDArray:
        """Weighted sum over the first axis, by BLAS because NumPy's own takes twice as long."""
        weights = np.ones(len(rows), self.real) if weights is None else weights
        return (weights @ rows.reshape(len(rows), -1)).reshape(rows.shape[1:])

    def _face(self) -> NDArray:
        """Reverse the windows of sources that correlate negatively with F; the covariances."""
        forward, facing = self.distribution[:, 1:], self.facing
        np.multiply(self.density[:, :1], self.density[:, 1:], out=self.products)
        covariance = self._sum(self.products) - self.real(1 / PLACES)
        np.add(forward, forward[::-1], out=facing)
        np.subtract(self.real(self.one), facing, out=facing)
        facing *= (covariance < 0).astype(self.real)
        facing += forward
        return covariance

    def _merge(self) -> None:
        """Bring the values of both distribution functions in order (Batcher's bitonic merge)."""
        steps, merged = self.steps, self.merged
        steps[:INNER] = self.distribution[:, :1]
        steps[INNER:] = self.facing[::-1]
        steps <<= self.level(1)
        steps[INNER:] |= self.level(1)
        half = INNER
        while half:
            pairs, ordered = (each.reshape(-1, 2, half, *each.shape[1:]) for each in (steps, merged))
            np.minimum(pairs[:, 0], pairs[:, 1], out=ordered[:, 0])
            np.maximum(pairs[:, 0], pairs[:, 1], out=ordered[:, 1])
            steps, merged, half = merged, steps, half // 2
        self.steps, self.merged = steps, merged

    def _measure_cells(self) -> None:
        """What each cell of the staircase has of f a, and its own extent as a multiple of 1 / (2 one)."""
        steps, mask, below, above, extents = self.steps, self.mask, self.below, self.above, self.extents
        highest, end = self.level(np.iinfo(self.level).max), self.level(2 * self.one)
        np.bitwise_and(steps, self.level(1), out=mask)
        values = np.bitwise_xor(steps, mask, out=self.merged)
        extents[0], extents[-1] = values[0], end - values[-1]
        np.subtract(values[1:], values[:-1], out=extents[1:-1])
        # The last value of F, and of A, at or below each step; and the next one at or above it.
        mask *= highest
        np.bitwise_and(steps, mask, out=below[:, 1])
        np.bitwise_xor(steps, below[:, 1], out=below[:, 0])
        np.bitwise_or(steps, mask, out=above[:-1, 0])
        mask ^= highest
        np.bitwise_or(steps, mask, out=above[:-1, 1])
        above[-1, 0], above[-1, 1] = end, end + self.level(1)
        np.maximum(below[0, 1], self.level(1), out=below[0, 1])
        for step in range(1, STEPS):
            np.maximum(below[step], below[step - 1], out=below[step])
        for step in range(STEPS - 1, -1, -1):
            np.minimum(above[step], above[step + 1], out=above[step])
        above[0, 1] -= self.level(1)
        above[1:] -= below
        self.widths[...] = above
        independent, self.shares[1] = self.shares[0], extents
        np.multiply(self.widths[:, 0], self.widths[:, 1], out=independent)
        independent *= self.real(0.25 / self.one**2)

    def _scale(self, reversed_: NDArray) -> NDArray:
        """Standard deviations of the places over their covariance under U; 0 where a window has all in one place.

        All from sums of distribution functions: that of |F_i - A_j| over all i and j follows from the values in order,
        by their gaps.
        """
        one, centre = float(self.one), INNER / 2 * self.one
        mean = self._sum(self.distribution).astype(np.float64) - centre
        square = centre**2 - one * self._sum(self.distribution, self.centred).astype(np.float64)
        gaps = self._sum(self.shares[1], self.gap_weights).astype(np.float64)
        deviation = np.sqrt((square - mean * mean).astype(self.real))
        product = mean[:1] * np.where(reversed_, -mean[1:], mean[1:])
        covariance = 2 * centre**2 - (square[:1] + square[1:]) / 2 - one / 4 * gaps - product
        return deviation[:1] * deviation[1:] / np.maximum(covariance, 1).astype(self.real)

    def _joint_entropy(self, share: NDArray, marginal: NDArray) -> NDArray:
        """From the share of U in the joint distribution and the sum of both marginal entropies."""
        independent, joint = self.shares
        rest = 1 - share
        joint *= share * self.real(0.5 / self.one)
        logarithms = self.widths.reshape(self.shares.shape)  # which are no longer needed
        of_independent, of_joint = logarithms
        np.multiply(independent, rest, out=of_joint)
        joint += of_joint
        np.add(independent, self.tiny, out=of_independent)
        np.abs(joint, out=of_joint)  # a share above 1 makes cells negative, and counts by their size
        of_joint += self.tiny
        _logarithm(logarithms)
        logarithms *= self.shares
        outside = (1 - self._sum(independent)) * np.log(np.abs(rest) + self.tiny)
        return rest * (marginal + self._sum(of_independent) - outside) - self._sum(of_joint)


def _logarithm(values: NDArray) -> None:
    """In place, in half of NumPy's time."""
    flat = values.reshape(-1, values.shape[-1])
    cv2.log(flat, flat)
