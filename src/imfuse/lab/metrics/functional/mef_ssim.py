"""MEF-SSIM: the quality of exposure fusion (Ma, Zeng and Wang, IEEE TIP 2015)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.metrics.functional._images import as_images, filter_separable

WINDOW = 8
C = 0.03**2
SCALE_WEIGHTS = (0.0448 / 0.6305, 0.2856 / 0.6305, 0.3001 / 0.6305)
EPSILON = 1e-8
Covariance: TypeAlias = dict[tuple[int, int], Tensor]
"""Of images n <= m in each window, `(b, h2, w2)`."""


def mef_ssim(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """MEF-SSIM in [0, 1] of three scales, for two or more exposures in [0, 1].

    At each 8 x 8 window the sources give the structure that the fused image should have: their largest contrast, and
    their structures weighted by strength the more, the less they agree. Scales that do not fit are left out, and the
    window of the first shrinks to an image that is smaller. 1 for F = A = B and wherever all are constant.
    """
    fused, sources = as_images(fused, sources)
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
    count, covariance = sources.shape[1], _covariance(fused, sources)
    variances = torch.stack([covariance[n, n] for n in range(count)], dim=1)
    strength = variances.clamp_min_(0).add_(EPSILON).sqrt_()
    power = _power(_quadratic(covariance, [1.0] * count), strength)
    contrast = strength.amax(1)
    weight = (strength / contrast.unsqueeze(1)) ** power.unsqueeze(1)
    weight = weight / (weight.sum(1, keepdim=True) * strength)  # structures are the sources of unit length
    shares = weight.unbind(1)
    length = _quadratic(covariance, shares).clamp_min_(0).add_(EPSILON).sqrt_()
    similar = reduce(torch.add, [share * covariance[n, count] for n, share in enumerate(shares)])
    wanted = (similar * contrast).div_(length)
    return wanted.mul_(2).add_(C) / contrast.square().add_(covariance[count, count]).add_(C)


def _power(whole: Tensor, strength: Float[Tensor, "b n h2 w2"]) -> Float[Tensor, "b h2 w2"]:
    """How much more the stronger source counts: the more, the better the sources agree."""
    agreement = whole.clamp_min_(0).add_(EPSILON).sqrt_() / strength.sum(1)
    return agreement.clamp_(0, 1 - 1e-3).mul_(math.pi / 2).tan().clamp(max=10)


def _quadratic(covariance: Covariance, weights: Sequence[Tensor] | Sequence[float]) -> Float[Tensor, "b h2 w2"]:
    """Variance of the weighted sum of the sources."""
    pairs = [(n, m) for n in range(len(weights)) for m in range(n, len(weights))]
    return reduce(torch.add, [(weights[n] * weights[m] * (1 if n == m else 2)) * covariance[n, m] for n, m in pairs])


def _covariance(fused: Tensor, sources: Tensor) -> Covariance:
    """Covariance in each window of every two images, the fused one after the sources."""
    images = torch.cat([sources, fused], dim=1)
    images = images - images.mean(dim=(2, 3), keepdim=True)  # variances lose digits to the mean
    size = min(WINDOW, *images.shape[2:])
    window = images.new_full((size,), 1 / size)
    mean, covariance = filter_separable(images, window), {}
    for n in range(images.shape[1]):
        product = filter_separable(images[:, n:] * images[:, n : n + 1], window)
        product.addcmul_(mean[:, n:], mean[:, n : n + 1], value=-1)
        covariance |= {(n, m): product[:, m - n] for m in range(n, images.shape[1])}
    return covariance
