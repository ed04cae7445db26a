"""Losses for exposure fusion: MEF-SSIM for structure, well-exposedness for the brightness that it leaves open."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import PlainLoss
from imfuse.lab.losses._per_image import reduced_images
from imfuse.lab.losses._reduction import Reduction
from imfuse.lab.losses.fidelity import shortfall
from imfuse.lab.metrics.functional.mef_ssim import mef_ssim

WELL_EXPOSED, SPREAD = 0.5, 0.2
CELL = 32
EPSILON = 1e-6


def mef_ssim_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 - MEF-SSIM of three scales (Ma, Zeng and Wang 2015), images in [0, 1]; in [0, 1]; `none` gives `(b,)`."""
    return shortfall(mef_ssim, fused, sources, reduction)


def exposedness_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """Mean distance of the brightness of cells of 32 x 32 pixels to that of the well-exposed sources; in [0, 1].

    Wanted is the mean of the sources' cells by the weight exp(-(x - 0.5)^2 / (2 * 0.2^2)) of each (Mertens, Kautz and
    Van Reeth 2007). The cells are wide because a brightness that is decided more finely shows as halos; they
    shrink with an image that is smaller. `none` gives `(b,)`.
    """
    cell = min(CELL, *fused.shape[2:])
    cells = F.avg_pool2d(sources, cell)
    weights = torch.exp(-((cells - WELL_EXPOSED) ** 2) / (2 * SPREAD**2)) + EPSILON
    wanted = (weights * cells).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
    return reduced_images((F.avg_pool2d(fused, cell) - wanted).abs(), reduction)


class MEFSSIMLoss(PlainLoss):
    """`mef_ssim_loss` as a module."""

    function = staticmethod(mef_ssim_loss)


class ExposednessLoss(PlainLoss):
    """`exposedness_loss` as a module."""

    function = staticmethod(exposedness_loss)
