"""Metrics of the fused image alone: SD, SF and AG. All three also reward noise."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import to_peak


def standard_deviation(fused: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Population standard deviation (SD) of each image of `fused` in [0, 1], on the 0..255 scale."""
    return to_peak(fused).flatten(1).std(dim=1, correction=0)


def spatial_frequency(fused: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Spatial frequency (SF; Eskicioglu and Fisher 1995): root of the mean squared row and column differences.

    Each mean is over its own count of differences. A side of one pixel contributes zero.
    """
    image = to_peak(fused)
    rows = _mean_square(image.diff(dim=3))
    columns = _mean_square(image.diff(dim=2))
    return torch.sqrt(rows + columns)


def average_gradient(fused: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Average gradient (AG; Cui et al. 2015): sum of sqrt((gx^2 + gy^2) / 2) over (h - 1)(w - 1).

    Central differences, one-sided at the border. Zero for an image with a side of one pixel.
    """
    image = to_peak(fused)
    height, width = image.shape[2:]
    if min(height, width) < 2:
        return image.new_zeros(image.shape[0])
    gy, gx = torch.gradient(image, dim=(2, 3))
    return torch.sqrt((gx**2 + gy**2) / 2).flatten(1).sum(1) / ((height - 1) * (width - 1))


def _mean_square(differences: Tensor) -> Tensor:
    count = max(differences[0].numel(), 1)
    return (differences**2).flatten(1).sum(1) / count
