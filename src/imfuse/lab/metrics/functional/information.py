"""Histogram metrics: entropy (EN) and mutual information (MI), both in bits over 256 levels."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import grey_levels

LEVELS = 256


def entropy(fused: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Entropy (EN) of the 256-level histogram of each image in [0, 1], in bits: 0 for a constant image, at most 8."""
    return _entropy(_histogram(grey_levels(fused), LEVELS, fused.dtype))


def mutual_information(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Mutual information (MI; Qu et al. 2002): sum over the sources of I(source; fused), in bits."""
    fused_levels = grey_levels(fused)
    fused_entropy = _entropy(_histogram(fused_levels, LEVELS, fused.dtype))
    total = torch.zeros_like(fused_entropy)
    for source in sources.split(1, dim=1):
        levels = grey_levels(source)
        joint = _histogram(levels * LEVELS + fused_levels, LEVELS**2, fused.dtype)
        source_entropy = _entropy(_histogram(levels, LEVELS, fused.dtype))
        total = total + source_entropy + fused_entropy - _entropy(joint)
    return total


def _histogram(values: Tensor, bins: int, dtype: torch.dtype) -> Tensor:
    offset = torch.arange(len(values), device=values.device).unsqueeze(1) * bins
    counts = torch.bincount((values + offset).flatten(), minlength=bins * len(values))
    return counts.view(len(values), bins).to(dtype) / values.shape[1]


def _entropy(probability: Tensor) -> Tensor:
    return -torch.special.xlogy(probability, probability).sum(1) / torch.log(probability.new_tensor(2.0))
