"""Correlation metrics: CC and SCD."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

EPSILON = 1e-12


def correlation_coefficient(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Mean over the sources of the linear correlation with the fused image (CC), in [-1, 1]; 0 for a constant."""
    return torch.stack([_correlation(source, fused) for source in sources.split(1, dim=1)]).mean(0)


def sum_of_correlation_differences(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]
) -> Float[Tensor, " b"]:
    """Sum of the correlations of differences (SCD; Aslantas and Bendes 2015), for two sources in [-2, 2].

    corr(F - B, A) + corr(F - A, B). For n sources each difference is taken to the mean of the others.
    """
    count = sources.shape[1]
    total = sources.sum(1, keepdim=True)
    terms = [_correlation(fused - (total - source) / (count - 1), source) for source in sources.split(1, dim=1)]
    return torch.stack(terms).sum(0)


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    first, second = first.flatten(1), second.flatten(1)
    first = first - first.mean(1, keepdim=True)
    second = second - second.mean(1, keepdim=True)
    power = (first**2).sum(1) * (second**2).sum(1)
    return (first * second).sum(1) / torch.sqrt(power + EPSILON**2).clamp_min(EPSILON)
