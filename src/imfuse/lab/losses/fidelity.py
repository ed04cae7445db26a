"""Losses that are one minus a fusion metric of the same name: structure, edges, information, correlation."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics import functional as metrics

VISUAL_INFORMATION_LIMIT = 1.5


def ssim_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """1 - mean SSIM to the sources, images in [0, 1]; in [0, 2]."""
    return 1 - metrics.structural_similarity(fused, sources).mean()


def edge_transfer_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """1 - Qabf (Xydeas and Petrovic 2000), images in [0, 1]; in [0, 1]."""
    return 1 - metrics.edge_transfer(fused, sources).mean()


def visual_information_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """1 - VIF, summed over the sources and limited to 1.5 an image; images in [0, 1] with sides of at least 41.

    The limit keeps one image with little content, whose VIF grows with every rise of contrast, from leading the batch.
    """
    return 1 - metrics.visual_information_fidelity(fused, sources).clamp(max=VISUAL_INFORMATION_LIMIT).mean()


def correlation_differences_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]
) -> Float[Tensor, ""]:
    """Number of sources less SCD (Aslantas and Bendes 2015): F less the other sources should be each source."""
    return sources.shape[1] - metrics.sum_of_correlation_differences(fused, sources).mean()


def correlation_loss(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
    """1 - mean correlation to the sources; in [0, 2]."""
    return 1 - metrics.correlation_coefficient(fused, sources).mean()
