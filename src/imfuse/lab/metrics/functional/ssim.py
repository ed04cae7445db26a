"""Structural similarity (Wang et al. 2004) of the fused image to the sources."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import filter_separable, gaussian_window

C1, C2 = 0.01**2, 0.03**2
RADIUS, SIGMA = 5, 1.5


def structural_similarity(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Mean over sources and pixels of SSIM(source, fused): Gaussian window 11 / 1.5, replicated border, L = peak."""
    return ssim_map(fused, sources).mean(dim=(1, 2, 3))


def ssim_map(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n h w"]:
    """SSIM of each pixel's window in the fused image and in each source, images in [0, 1]."""
    count = sources.shape[1]
    stacked = torch.cat([fused, sources, fused**2, sources**2, fused * sources], dim=1)
    padded = torch.nn.functional.pad(stacked, [RADIUS] * 4, mode="replicate")
    smooth = filter_separable(padded, gaussian_window(2 * RADIUS + 1, SIGMA, fused))
    mean_f, mean_s, square_f, square_s, product = smooth.split([1, count, 1, count, count], dim=1)
    variance = (square_f - mean_f**2) + (square_s - mean_s**2)
    covariance = product - mean_f * mean_s
    luminance = (2 * mean_f * mean_s + C1) / (mean_f**2 + mean_s**2 + C1)
    return luminance * (2 * covariance + C2) / (variance + C2)
