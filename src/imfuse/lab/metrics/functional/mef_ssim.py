"""MEF-SSIM: the quality of exposure fusion (Ma, Zeng and Wang, IEEE TIP 2015)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

WINDOW = 8
C = 0.03**2
SCALE_WEIGHTS = (0.0448 / 0.6305, 0.2856 / 0.6305, 0.3001 / 0.6305)
EPSILON = 1e-8


def mef_ssim(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """MEF-SSIM in [0, 1] of three scales, for two or more exposures in [0, 1].

    At each 8 x 8 window the sources give the structure that the fused image should have: their largest contrast, and
    their structures weighted by strength the more, the less they agree. Scales that do not fit are left out.
    """
    scales = []
    for scale in range(len(SCALE_WEIGHTS)):
        if scale and min(fused.shape[2:]) >= 2 * WINDOW:
            fused, sources = F.avg_pool2d(fused, 2), F.avg_pool2d(sources, 2)
        elif scale:
            break
        scales.append(mef_ssim_map(fused, sources).mean(dim=(1, 2)).clamp_min(EPSILON))
    weights = fused.new_tensor(SCALE_WEIGHTS[: len(scales)]).unsqueeze(1)
    return torch.prod(torch.stack(scales) ** (weights / weights.sum()), dim=0)


def mef_ssim_map(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b h2 w2"]:
    """Similarity of the fused image to the desired structure, for each window that lies inside ('valid')."""
    count = sources.shape[1]
    images = torch.cat([sources, fused], dim=1)
    covariance = _covariance(images)
    between, with_fused, variance_f = (
        covariance[:, :count, :count],
        covariance[:, :count, count],
        covariance[:, count, count],
    )
    variance = torch.diagonal(between, dim1=1, dim2=2).permute(0, 3, 1, 2).clamp_min(0)
    strength = torch.sqrt(variance + EPSILON)
    agreement = torch.sqrt(between.sum(dim=(1, 2)).clamp_min(0) + EPSILON) / strength.sum(1)
    power = torch.tan(math.pi / 2 * agreement.clamp(0, 1 - 1e-3)).clamp(max=10)
    weight = (strength / strength.amax(1, keepdim=True)) ** power.unsqueeze(1)
    weight = weight / (weight.sum(1, keepdim=True) * strength)  # structures are the sources of unit length
    length = torch.sqrt(torch.einsum("bnhw,bmhw,bnmhw->bhw", weight, weight, between).clamp_min(0) + EPSILON)
    contrast = strength.amax(1)
    wanted = contrast / length * (weight * with_fused).sum(1)
    return (2 * wanted + C) / (contrast**2 + variance_f + C)


def _covariance(images: Float[Tensor, "b m h w"]) -> Float[Tensor, "b m m h2 w2"]:
    """Covariance of every two of the images in each window."""
    batch, count, height, width = images.shape
    products = (images.unsqueeze(2) * images.unsqueeze(1)).reshape(batch, count * count, height, width)
    size = min(WINDOW, height, width)
    mean = F.avg_pool2d(images, size, stride=1)
    second = F.avg_pool2d(products, size, stride=1)
    second = second.view(batch, count, count, *second.shape[2:])
    return second - mean.unsqueeze(2) * mean.unsqueeze(1)
