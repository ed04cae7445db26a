"""Multi-scale fusion quality Qm (Wang and Liu, ICSP 2008) on two levels of the Haar transform."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import as_images, to_peak

SCALE_EXPONENTS = (2 / 3, 1 / 3)
"""Of the finest level first, as in the toolbox of Liu et al. 2012."""
VANISHING = 1e-6
"""Energy, on the 0..255 scale, that decides where there is none; that of a difference of one level is 1 / 4."""


def multiscale_quality(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Qm: how well the fused image keeps the sources' details at two scales, in (0, 3], 3 for F = A = B.

    Of each level of the orthonormal Haar transform on the 0..255 scale: the mean, over the sources and all places, of
    exp(-|H_S - H_F|) + exp(-|V_S - V_F|) + exp(-|D_S - D_F|), weighted by the source's energy H_S^2 + V_S^2 + D_S^2.
    The finest level to the power of 2/3 times the second to that of 1/3. The sum of the three bands, where a mean would
    keep it in (0, 1], is that of the toolbox of Liu et al. 2012.

    All places weigh alike at a level on which no source has any detail. An odd last row or column is left out at each
    level; a side of one pixel has no detail along it.

    Raises:
        MetricError: images that cannot be measured.
    """
    fused, sources = as_images(fused, sources)
    approximation = to_peak(torch.cat([fused, sources], dim=1))
    quality = fused.new_ones(len(fused))
    for exponent in SCALE_EXPONENTS:
        approximation, details = _haar(approximation)
        of_fused = [band[:, :1] for band in details]
        of_sources = [band[:, 1:] for band in details]
        energy = torch.stack([band.square() for band in of_sources]).sum(0) + VANISHING
        kept = sum(torch.exp(-(band - merged).abs()) for band, merged in zip(of_sources, of_fused, strict=True))
        level = (kept * energy).sum(dim=(1, 2, 3)) / energy.sum(dim=(1, 2, 3))
        # An image of the opposite contrast keeps nothing, and the gradient of the root is infinite there.
        quality = quality * level.clamp_min(torch.finfo(level.dtype).tiny) ** exponent
    return quality


def _haar(images: Float[Tensor, "b m h w"]) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Approximation, and horizontal, vertical and diagonal detail, of half the sides."""
    height, width = images.shape[2:]
    images = F.pad(images, [0, int(width == 1), 0, int(height == 1)], mode="replicate")
    images = images[..., : max(height // 2 * 2, 2), : max(width // 2 * 2, 2)]
    upper, lower = images[..., ::2, :], images[..., 1::2, :]
    total, down = (upper + lower) / 2, (upper - lower) / 2
    left, right = slice(0, None, 2), slice(1, None, 2)
    return total[..., left] + total[..., right], (
        total[..., left] - total[..., right],
        down[..., left] + down[..., right],
        down[..., left] - down[..., right],
    )
