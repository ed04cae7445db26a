"""Losses that are one minus a fusion metric of the same name: structure, edges, information, correlation.

All take images in [0, 1]; `none` gives `(b,)`. Half precision is computed in single.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import PlainLoss
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._similarity import mean_similarity
from imfuse.lab.metrics import functional as metrics

VISUAL_INFORMATION_LIMIT = 1.5


def ssim_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 - mean SSIM to the sources (Wang et al. 2004); in [0, 2]."""
    return shortfall(metrics.structural_similarity, fused, sources, reduction)


def ssim_pair_loss(
    image: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 - SSIM of two images, the mean over their channels; in [0, 2], 0 where they are equal.

    Example:
        >>> ssim_pair_loss(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)).item()
        0.0
    """
    dtype = torch.promote_types(image.dtype, target.dtype)
    channels = (images.to(dtype).flatten(0, 1)[:, None] for images in (image, target))
    values = mean_similarity(*channels).view(image.shape[:2])
    return reduced(1 - values.mean(1), reduction).to(dtype)


def ms_ssim_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 - mean MS-SSIM to the sources (Wang, Simoncelli and Bovik 2003); in [0, 1].

    Five scales, of which those that the images are too small for are left out.
    """
    return shortfall(metrics.multiscale_structural_similarity, fused, sources, reduction)


def edge_transfer_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 - Qabf (Xydeas and Petrovic 2000); in [0, 1]."""
    return shortfall(metrics.edge_transfer, fused, sources, reduction)


def visual_information_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 - VIF, summed over the sources and limited to 1.5 an image, so that it is in [-0.5, 1].

    The limit keeps one image with little content, whose VIF grows with every rise of contrast, from leading the batch.
    Sides below 41 leave out scales, and with a side below 17 the loss is 1 whatever the images show.
    """
    return shortfall(_limited_visual_information, fused, sources, reduction)


def correlation_differences_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """Number of sources less SCD (Aslantas and Bendes 2015): F less the other sources should be each source."""
    return shortfall(metrics.sum_of_correlation_differences, fused, sources, reduction, sources.shape[1])


def correlation_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 - mean correlation to the sources; in [0, 2]."""
    return shortfall(metrics.correlation_coefficient, fused, sources, reduction)


def shortfall(
    metric: Callable[[Tensor, Tensor], Tensor], fused: Tensor, sources: Tensor, reduction: Reduction, best: int = 1
) -> Tensor:
    """What a metric lacks to its best value, in the floating type of the images."""
    values = metric(fused, sources)
    lacking = best - values.mean() if reduction == "mean" else reduced(best - values, reduction)
    return lacking.to(torch.promote_types(fused.dtype, sources.dtype))


def _limited_visual_information(fused: Tensor, sources: Tensor) -> Tensor:
    return metrics.visual_information_fidelity(fused, sources).clamp(max=VISUAL_INFORMATION_LIMIT)


class SSIMLoss(PlainLoss):
    """`ssim_loss` as a module."""

    function = staticmethod(ssim_loss)


class SSIMPairLoss(PlainLoss):
    """`ssim_pair_loss` as a module."""

    function = staticmethod(ssim_pair_loss)


class MSSSIMLoss(PlainLoss):
    """`ms_ssim_loss` as a module."""

    function = staticmethod(ms_ssim_loss)


class EdgeTransferLoss(PlainLoss):
    """`edge_transfer_loss` as a module."""

    function = staticmethod(edge_transfer_loss)


class VisualInformationLoss(PlainLoss):
    """`visual_information_loss` as a module."""

    function = staticmethod(visual_information_loss)


class CorrelationDifferencesLoss(PlainLoss):
    """`correlation_differences_loss` as a module."""

    function = staticmethod(correlation_differences_loss)


class CorrelationLoss(PlainLoss):
    """`correlation_loss` as a module."""

    function = staticmethod(correlation_loss)
