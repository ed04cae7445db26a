"""Correlation metrics: CC and SCD."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import as_images

EPSILON = 1e-12


def correlation_coefficient(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Mean over the sources of the linear correlation with the fused image (CC), in [-1, 1]; 0 for a constant."""
    fused, sources = (_centred(images) for images in as_images(fused, sources))
    return _correlation(fused.expand_as(sources), sources).mean(1)


def sum_of_correlation_differences(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]
) -> Float[Tensor, " b"]:
    """Sum of the correlations of differences (SCD; Aslantas and Bendes 2015), for two sources in [-2, 2].

    corr(F - B, A) + corr(F - A, B). For n sources each difference is taken to the mean of the others. A constant
    source or difference adds 0, so that F = A = B has 0.
    """
    fused, sources = (_centred(images) for images in as_images(fused, sources))
    return _correlation(fused - _mean_of_others(sources), sources).sum(1)


def _mean_of_others(sources: Float[Tensor, "b n pixels"]) -> Float[Tensor, "b n pixels"]:
    """For each source the mean of the others, never as a total less the one: its rounding would be correlated."""
    count = sources.shape[1]
    if count == 2:
        return sources.flip(1)
    kept = ~torch.eye(count, dtype=torch.bool, device=sources.device)
    return torch.stack([sources[:, others].mean(1) for others in kept], dim=1)


def _centred(images: Tensor) -> Float[Tensor, "b n pixels"]:
    pixels = images.flatten(2)
    pixels = pixels - pixels[..., :1]  # exactly zero for a constant image, which a rounded mean is not
    return pixels.sub_(pixels.mean(2, keepdim=True))


def _correlation(first: Float[Tensor, "b n pixels"], second: Float[Tensor, "b n pixels"]) -> Float[Tensor, "b n"]:
    return _dot(first, second) / torch.sqrt(_dot(first, first) * _dot(second, second) + EPSILON**2)


def _dot(first: Float[Tensor, "b n pixels"], second: Float[Tensor, "b n pixels"]) -> Float[Tensor, "b n"]:
    return (first * second).sum(2)
