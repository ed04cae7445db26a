"""Guided filter fusion (Li, Kang and Hu, Image Fusion with Guided Filtering, TIP 2013).

Two scales: a base of 31x31 means and the detail above it. Each source is weighted where it is the most
salient, and the weights are made to follow its edges by the guided filter (He, Sun and Tang, TPAMI 2013),
widely for the base and narrowly for the detail.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.classical.method import Plane

BASE_SIZE = 31
BASE_RADIUS, BASE_EPSILON = 45, 0.3
DETAIL_RADIUS, DETAIL_EPSILON = 7, 1e-6
SALIENCY_RADIUS, SALIENCY_SIGMA = 5, 5.0

TIE = 1e-3
"""Relative difference of saliencies below which both sources win: an image and its negative tie everywhere, and
rounding must not choose between them."""

MARGIN = 2 * BASE_RADIUS + SALIENCY_RADIUS + 1
"""Two boxes of the guided filter, the Gaussian of the saliency and its 3x3 Laplacian."""


def guided_filter(guide: Plane, image: Plane, radius: int, epsilon: float) -> Plane:
    """Smooth an image while it keeps the edges of a guide.

    In each window of side `2 radius + 1` the output is the line `a guide + b` nearest the image, epsilon
    penalising the slope; each pixel takes the mean of the lines of the windows that hold it. The time does
    not depend on the radius. Beyond the border the picture is mirrored.

    Args:
        guide: `(h, w)`, in [0, 1].
        image: `(h, w)`, what is smoothed.
        radius: half the side of the window, in pixels.
        epsilon: variance of the guide below which a window counts as flat.

    Returns:
        `(h, w)` float32.
    """
    # In float32 the variance, a difference of near-equal means, would be lost below 1e-7.
    g, p = guide.astype(np.float64), image.astype(np.float64)
    mean_g, mean_p = _mean(g, radius), _mean(p, radius)
    covariance = _mean(g * p, radius) - mean_g * mean_p
    variance = _mean(g * g, radius) - mean_g * mean_g
    a = covariance / (variance + epsilon)
    b = mean_p - a * mean_g
    return (_mean(a, radius) * g + _mean(b, radius)).astype(np.float32)


def fuse_guided(sources: Sequence[Plane]) -> Plane:
    """Guided filter fusion with the constants of the paper."""
    saliencies = [_saliency(source) for source in sources]
    highest = np.maximum.reduce(saliencies)
    lowest_winner = highest * np.float32(1 - TIE) - np.float32(1e-6)
    masks = [(saliency >= lowest_winner).astype(np.float32) for saliency in saliencies]
    bases = [np.asarray(cv2.blur(source, (BASE_SIZE, BASE_SIZE)), np.float32) for source in sources]
    details = [source - base for source, base in zip(sources, bases, strict=True)]
    fused = _weighted(bases, sources, masks, BASE_RADIUS, BASE_EPSILON)
    fused += _weighted(details, sources, masks, DETAIL_RADIUS, DETAIL_EPSILON)
    return np.clip(fused, 0, 1, out=fused)


def _weighted(
    layers: Sequence[Plane], guides: Sequence[Plane], masks: Sequence[Plane], radius: int, epsilon: float
) -> Plane:
    """Mean of one layer over the sources, weighted by the masks smoothed along the edges of the guides."""
    numerator, denominator = np.zeros_like(masks[0]), np.zeros_like(masks[0])
    for layer, guide, mask in zip(layers, guides, masks, strict=True):
        # The filter over- and undershoots; a negative weight would turn detail into a halo.
        weight = np.clip(guided_filter(guide, mask, radius, epsilon), 0, 1) + np.float32(1e-6)
        numerator += weight * layer
        denominator += weight
    return numerator / denominator


def _saliency(source: Plane) -> Plane:
    magnitude = np.abs(cv2.Laplacian(source, cv2.CV_32F))
    side = 2 * SALIENCY_RADIUS + 1
    return np.asarray(cv2.GaussianBlur(magnitude, (side, side), SALIENCY_SIGMA), np.float32)


def _mean(image: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(image, -1, (side, side)), np.float64)
