"""Losses against the flatness of averaged pictures: contrast, sharpness, and a base that follows one source.

They compare the fused image with what the sources have, and cost nothing where it has as much, so that they give no
reason to go beyond.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import PlainLoss
from imfuse.lab.losses._per_image import reduced_images
from imfuse.lab.losses._reduction import Reduction, reduced

SHARPNESS_AIM = 1.08
BASE_CELL = 8
EPSILON = 1e-3


def contrast_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """Share of the largest standard deviation among the sources that the fused image lacks; in [0, 1].

    `none` gives `(b,)`. An image of one pixel has no contrast.
    """
    images = torch.cat([fused, sources], dim=1)
    deviation = images.std(dim=(2, 3), correction=int(images[0, 0].numel() > 1))
    return reduced(F.relu(1 - deviation[:, 0] / (deviation[:, 1:].amax(1) + EPSILON)), reduction)


def sharpness_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """Share of the wanted mean gradient that the fused image lacks; in [0, 1]; `none` gives `(b,)`.

    Wanted is 1.08 times the mean over the pixels of the largest gradient magnitude among the sources: the choice
    between sources by smooth weights loses a little of it everywhere.
    """
    wanted = SHARPNESS_AIM * _gradient(sources).amax(1).mean(dim=(1, 2))
    return reduced(F.relu(1 - _gradient(fused)[:, 0].mean(dim=(1, 2)) / wanted), reduction)


def nearest_intensity_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """Mean distance, over cells of 8 x 8 pixels, of the fused brightness to that of the nearest source; in [0, 1].

    It asks the base to follow one source at each place rather than the mean of all, and leaves open which. The cell
    shrinks with an image that is smaller; `none` gives `(b,)`.
    """
    images = torch.cat([fused, sources], dim=1)
    cells = F.avg_pool2d(images, min(BASE_CELL, *images.shape[2:]))
    return reduced_images((cells[:, :1] - cells[:, 1:]).abs().amin(1), reduction)


def _gradient(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Magnitude of the backward differences; there are none along a side of one pixel."""
    height, width = images.shape[2:]
    images = F.pad(images, [int(width == 1), 0, int(height == 1), 0], mode="replicate")
    inner = images[..., 1:, 1:]
    across, down = inner - images[..., 1:, :-1], inner - images[..., :-1, 1:]
    return torch.sqrt(across**2 + down**2 + EPSILON**2)


class ContrastLoss(PlainLoss):
    """`contrast_loss` as a module."""

    function = staticmethod(contrast_loss)


class SharpnessLoss(PlainLoss):
    """`sharpness_loss` as a module."""

    function = staticmethod(sharpness_loss)


class NearestIntensityLoss(PlainLoss):
    """`nearest_intensity_loss` as a module."""

    function = staticmethod(nearest_intensity_loss)
