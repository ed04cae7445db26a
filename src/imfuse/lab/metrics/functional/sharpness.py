"""Metrics of the fused image alone: SD, SF and AG. All three also reward noise."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._fast import square_root
from imfuse.lab.metrics.functional._images import as_fused, check_convention, to_peak

TINY = 1e-30
"""Powers below this have no gradient, for that of their root would be infinite."""


def standard_deviation(fused: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Population standard deviation (SD; Rao 1997) of each image in [0, 1], on the 0..255 scale; 0 for a constant."""
    image = to_peak(as_fused(fused)).flatten(1)
    deviation = image - image[:, :1]  # exactly zero for a constant image, which a rounded mean is not
    return _root(deviation.sub_(deviation.mean(1, keepdim=True)).square().mean(1))


def spatial_frequency(fused: Float[Tensor, "b 1 h w"], *, convention: str = "imfuse") -> Float[Tensor, " b"]:
    """Spatial frequency (SF; Eskicioglu and Fisher 1995): root of the mean squared row and column differences.

    On the 0..255 scale; 0 for a constant image, and a side of one pixel contributes nothing.

    Args:
        fused: images in [0, 1].
        convention: `imfuse` takes each mean over its own count of differences, `over_hw` over all pixels.
    """
    check_convention(convention, "imfuse", "over_hw")
    image = to_peak(as_fused(fused))
    pixels = image[0].numel() if convention == "over_hw" else None
    rows, columns = _mean_square(image.diff(dim=3), pixels), _mean_square(image.diff(dim=2), pixels)
    return _root(rows + columns)


def average_gradient(fused: Float[Tensor, "b 1 h w"], *, convention: str = "imfuse") -> Float[Tensor, " b"]:
    """Average gradient (AG; Cui et al. 2015): sum of sqrt((gx^2 + gy^2) / 2) over (h - 1)(w - 1).

    On the 0..255 scale, central differences, one-sided at the border; 0 for a constant image and for one with a side
    of one pixel.

    Args:
        fused: images in [0, 1].
        convention: `imfuse`, or `over_hw`, which divides by all pixels.
    """
    check_convention(convention, "imfuse", "over_hw")
    image = to_peak(as_fused(fused))
    height, width = image.shape[2:]
    if min(height, width) < 2:
        return image.new_zeros(len(image))
    gx, gy = _twice_gradient(image, 3), _twice_gradient(image, 2)
    count = height * width if convention == "over_hw" else (height - 1) * (width - 1)
    return _root(gx.square().addcmul_(gy, gy)).sum(dim=(1, 2, 3)) / (math.sqrt(8) * count)


def _twice_gradient(image: Tensor, dim: int) -> Tensor:
    """Twice the central differences, one-sided at both ends."""
    size = image.shape[dim]
    padded = F.pad(image, [1, 1, 0, 0] if dim == 3 else [0, 0, 1, 1], mode="replicate")
    difference = padded.narrow(dim, 2, size) - padded.narrow(dim, 0, size)
    for end in (0, size - 1):
        difference.narrow(dim, end, 1).mul_(2)
    return difference


def _mean_square(differences: Tensor, count: int | None) -> Tensor:
    count = max(differences[0].numel(), 1) if count is None else count
    return differences.square().sum(dim=(1, 2, 3)) / count


def _root(power: Tensor) -> Tensor:
    return square_root(power.clamp_min(TINY))
