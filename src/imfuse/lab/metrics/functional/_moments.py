"""Means, variances and covariances of the fused image and its sources in sliding windows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import filter_separable, gaussian_window


class Moments(NamedTuple):
    """One map `(b, h2, w2)` of windows for each image.

    Attributes:
        means: of the fused image, then of each source.
        variances: as `means`, never negative.
        covariances: of the fused image with each source.
    """

    means: list[Tensor]
    variances: list[Tensor]
    covariances: list[Tensor]


def box_moments(fused: Tensor, sources: Tensor, doublings: int) -> Moments:
    """Moments of square windows of 2^doublings pixels at every position inside the images.

    Where the images are smaller than a window in a direction, one window takes all of that direction. Neighbouring
    windows are merged, doubling the window, by the rule for the variance of two groups: no squares are subtracted, so
    that constant windows have a variance of exactly 0 in float32 too.
    """
    images = [fused[:, 0], *sources.unbind(1)]
    nothing = torch.zeros_like(images[0])
    moments = Moments(images, [nothing] * len(images), [nothing] * sources.shape[1])
    for dim in (-2, -1):
        if images[0].shape[dim] < 2**doublings:
            moments = _of_all(moments, dim)
        else:
            for doubling in range(doublings):
                moments = _doubled(moments, 2**doubling, dim)
    return moments


def gaussian_moments(fused: Tensor, sources: Tensor, size: int, sigma: float) -> Moments:
    """Moments of Gaussian windows inside the images; smaller images are continued by their border to one window."""
    count = sources.shape[1]
    images = torch.cat([fused, sources], dim=1)
    rows, columns = (max(size - side, 0) for side in images.shape[2:])
    images = F.pad(images, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2], mode="replicate")
    products = torch.cat([images, images.square(), images[:, :1] * images[:, 1:]], dim=1)
    smooth = filter_separable(products, gaussian_window(size, sigma, images))
    means, squares, mixed = smooth.split([1 + count, 1 + count, count], dim=1)
    variances = (squares - means.square()).clamp_min(0)
    covariances = mixed - means[:, :1] * means[:, 1:]
    return Moments(list(means.unbind(1)), list(variances.unbind(1)), list(covariances.unbind(1)))


def _doubled(moments: Moments, shift: int, dim: int) -> Moments:
    """Merge each window with the one `shift` further: the mean of both, plus half their distance squared."""
    count = moments.means[0].shape[dim] - shift

    def both(values: Tensor) -> tuple[Tensor, Tensor]:
        return values.narrow(dim, 0, count), values.narrow(dim, shift, count)

    means = [torch.lerp(*both(mean), 0.5) for mean in moments.means]
    halves = [first - mean for mean, (first, _) in zip(means, map(both, moments.means), strict=True)]
    variances = [
        torch.addcmul(torch.lerp(*both(variance), 0.5), half, half)
        for variance, half in zip(moments.variances, halves, strict=True)
    ]
    covariances = [
        torch.addcmul(torch.lerp(*both(covariance), 0.5), halves[0], half)
        for covariance, half in zip(moments.covariances, halves[1:], strict=True)
    ]
    return Moments(means, variances, covariances)


def _of_all(moments: Moments, dim: int) -> Moments:
    """Merge all windows of a direction into one."""

    def mean(values: Tensor) -> Tensor:
        return values.mean(dim, keepdim=True)

    means = [mean(each) for each in moments.means]
    rests = [each - centre for each, centre in zip(moments.means, means, strict=True)]
    variances = [mean(each + rest * rest) for each, rest in zip(moments.variances, rests, strict=True)]
    covariances = [mean(each + rests[0] * rest) for each, rest in zip(moments.covariances, rests[1:], strict=True)]
    return Moments(means, variances, covariances)
