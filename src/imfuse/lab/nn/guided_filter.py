"""The guided filter on feature maps (He, Sun and Tang, TPAMI 2013): smooth, with the edges of a guide.

kornia's filter convolves with a box, so its time grows with the radius; running sums do not. Everything inside is
computed in 64 bits: features have no range, and in 32 bits the variance of a guide, a difference of near-equal means,
would be lost beside the strengths of the filter as soon as the guide is far from zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def box_mean(maps: Float[Tensor, "b c h w"], radius: int) -> Float[Tensor, "b c h w"]:
    """Mean over the window of side `2 radius + 1` round each pixel, of those pixels of it that exist.

    The time does not depend on the radius.

    >>> box_mean(torch.tensor([[[[0.0, 3.0, 6.0]]]]), 1)
    tensor([[[[1.5000, 3.0000, 4.5000]]]])
    """
    return _mean(maps.double(), radius).to(maps.dtype)


def guided_filter(
    guide: Float[Tensor, "b 1 h w"], maps: Float[Tensor, "b c h w"], radius: int, epsilon: float
) -> Float[Tensor, "b c h w"]:
    """Smooth maps while they keep the edges of a guide.

    In each window the output is the line `a guide + b` nearest the map, `epsilon` penalising the slope; each pixel
    takes the mean of the lines of the windows that hold it.

    Args:
        guide: one map for all channels.
        maps: what is smoothed.
        radius: half the side of the window, in pixels; it may exceed the picture.
        epsilon: variance of the guide below which a window counts as flat.
    """
    return guided_filters(guide, maps, radius, (epsilon,))[0]


def guided_filters(
    guide: Float[Tensor, "b 1 h w"], maps: Float[Tensor, "b c h w"], radius: int, epsilons: Sequence[float]
) -> list[Float[Tensor, "b c h w"]]:
    """The guided filter with several strengths, which share their windows; in less time than one by one."""
    g, p = guide.double(), maps.double()
    channels = p.shape[1]
    means = _mean(torch.cat([g, g * g, p, g * p], 1), radius)
    mean_g, mean_square, mean_p, mean_product = means.split([1, 1, channels, channels], 1)
    covariance, variance = mean_product - mean_g * mean_p, mean_square - mean_g * mean_g
    filtered = []
    for epsilon in epsilons:
        slope = covariance / (variance + epsilon)
        slope, offset = _mean(torch.cat([slope, mean_p - slope * mean_g], 1), radius).chunk(2, 1)
        filtered.append((slope * g + offset).to(maps.dtype))
    return filtered


def _mean(maps: Tensor, radius: int) -> Tensor:
    """Of maps in 64 bits, as running sums of a large picture would lose small differences in 32."""
    return _sum(maps, radius) / _sum(torch.ones_like(maps[:1, :1]), radius)


def _sum(maps: Tensor, radius: int) -> Tensor:
    for axis in (2, 3):
        maps = _windows(maps.cumsum(axis), radius, axis)
    return maps


def _windows(running: Tensor, radius: int, axis: int) -> Tensor:
    """Sum over each window, of running sums."""
    length = running.shape[axis]
    last = running.narrow(axis, length - 1, 1)
    # `expand`, as `repeat_interleave` becomes a dozen nodes of an exported graph.
    before, after = (
        values.expand(*(count if i == axis else -1 for i in range(4)))
        for values, count in ((torch.zeros_like(last), radius + 1), (last, radius))
    )
    padded = torch.cat([before, running, after], axis)
    return padded.narrow(axis, 2 * radius + 1, length) - padded.narrow(axis, 0, length)
