"""Nonlinear correlation information entropy Qncie (Wang, Shen and Zhang 2005; Wang, Shen and Jin 2008)."""

from __future__ import annotations

import math
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import as_images, grey_levels

LEVELS = 256


def nonlinear_correlation(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Qncie: how far the sources and the fused image depend on each other, all together; higher is better.

    1 + sum_i (l_i / k) log_256(l_i / k) of the eigenvalues l of the k x k matrix, k = n + 1, whose diagonal is 1 and
    whose other entries are I(X; Y) in units of log 256, from joint histograms of 256 levels. As in the toolbox of Liu
    et al. 2012, whose stretch of each image to 0..255 changes nothing for images of 8 bits, and is left out.

    In [1 - log_256(k), 1]; the least, 0.802 of two sources, where all images are independent, or constant. The
    dependence of the sources on each other counts as well, whatever the fused image is. Images without all 256 levels
    in equal number stay below 1, F = A = B too.

    Raises:
        MetricError: images that cannot be measured.
    """
    fused, sources = as_images(fused, sources)
    levels = [grey_levels(image) for image in (*sources.split(1, dim=1), fused)]
    count = len(levels)
    matrix = torch.eye(count, dtype=fused.dtype, device=fused.device).repeat(len(fused), 1, 1)
    for first, second in combinations(range(count), 2):
        shared = _information(levels[first], levels[second], fused.dtype)
        matrix[:, first, second] = matrix[:, second, first] = shared / math.log(LEVELS)
    share = torch.linalg.eigvalsh(matrix).clamp_min(0) / count
    return 1 + torch.special.xlogy(share, share).sum(1) / math.log(LEVELS)


def _information(first: Tensor, second: Tensor, dtype: torch.dtype) -> Tensor:
    """I(X; Y) in nats of levels `(b, h * w)`."""
    images = torch.arange(len(first), device=first.device).unsqueeze(1)
    cells = (images * LEVELS + first) * LEVELS + second
    counts = torch.bincount(cells.flatten(), minlength=len(first) * LEVELS**2)
    joint = counts.view(-1, LEVELS, LEVELS).to(dtype) / first.shape[1]
    return (_entropy(joint.sum(2)) + _entropy(joint.sum(1)) - _entropy(joint.flatten(1))).clamp_min(0)


def _entropy(probability: Tensor) -> Tensor:
    return -torch.special.xlogy(probability, probability).sum(-1)
