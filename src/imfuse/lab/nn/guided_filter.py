"""The guided filter on feature maps (He, Sun and Tang, TPAMI 2013): smooth, with the edges of a guide.

kornia's filter convolves with a box, so its time grows with the radius; running sums do not.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def box_mean(maps: Float[Tensor, "b c h w"], radius: int) -> Float[Tensor, "b c h w"]:
    """Mean over the window of side `2 radius + 1` round each pixel, of those pixels of it that exist.

    The time does not depend on the radius.

    >>> box_mean(torch.tensor([[[[0.0, 3.0, 6.0]]]]), 1)
    tensor([[[[1.5000, 3.0000, 4.5000]]]])
    """
    return _mean_along(_mean_along(maps, radius, 2), radius, 3)


def guided_filter(
    guide: Float[Tensor, "b 1 h w"], maps: Float[Tensor, "b c h w"], radius: int, epsilon: float
) -> Float[Tensor, "b c h w"]:
    """Smooth maps while they keep the edges of a guide.

    In each window the output is the line `a guide + b` nearest the map, `epsilon` penalising the slope; each pixel
    takes the mean of the lines of the windows that hold it.

    Args:
        guide: one map for all channels.
        maps: what is smoothed.
        radius: half the side of the window, in pixels.
        epsilon: variance of the guide below which a window counts as flat.
    """
    channels = maps.shape[1]
    means = box_mean(torch.cat([guide, guide * guide, maps, guide * maps], 1), radius)
    mean_guide, mean_square, mean_maps, mean_product = means.split([1, 1, channels, channels], 1)
    slope = (mean_product - mean_guide * mean_maps) / (mean_square - mean_guide * mean_guide + epsilon)
    offset = mean_maps - slope * mean_guide
    slope, offset = box_mean(torch.cat([slope, offset], 1), radius).chunk(2, 1)
    return slope * guide + offset


def _mean_along(maps: Tensor, radius: int, axis: int) -> Tensor:
    """Differences of running sums, in 64 bits: those of a large picture would lose the variance in 32."""
    sums = _windows(maps.double().cumsum(axis), radius, axis)
    counts = _windows(torch.ones_like(maps[:1, :1]).double().cumsum(axis), radius, axis)
    return (sums / counts).to(maps.dtype)


def _windows(running: Tensor, radius: int, axis: int) -> Tensor:
    """Sum over each window, of running sums."""
    length = running.shape[axis]
    before = torch.zeros_like(running.narrow(axis, 0, 1)).repeat_interleave(radius + 1, axis)
    after = running.narrow(axis, length - 1, 1).repeat_interleave(radius, axis)
    padded = torch.cat([before, running, after], axis)
    return padded.narrow(axis, 2 * radius + 1, length) - padded.narrow(axis, 0, length)
