"""Losses on pixels and their differences: intensity, gradient, range."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def max_intensity_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """Mean |F - max(sources)| in [0, 1]. Where a source is flat and bright this rewards a veil."""
    return (fused - sources.amax(1, keepdim=True)).abs().mean()


def max_gradient_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """Mean |grad F - the source gradient of larger magnitude|, by forward differences along rows and columns."""
    return _strongest_difference(fused, sources, 2) + _strongest_difference(fused, sources, 3)


def out_of_range_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:  # noqa: ARG001
    """Mean distance of the fused values to [0, 1], which the Fuser would clip."""
    return (F.relu(fused - 1) + F.relu(-fused)).mean()


def _strongest_difference(fused: Tensor, sources: Tensor, dim: int) -> Tensor:
    differences = sources.diff(dim=dim)
    strongest = torch.take_along_dim(differences, differences.abs().argmax(1, keepdim=True), dim=1)
    return (fused.diff(dim=dim) - strongest).abs().mean()
