"""Losses on the brightness of the fused image: of a target, of the brightest source, within the range of images."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import PlainLoss
from imfuse.lab.losses._per_image import reduced_images
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._shapes import check_equal_shapes


def intensity_loss(
    image: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"], reduction: Reduction = "mean"
) -> Tensor:
    """1 / (H W) |I1 - I2|_2^2, images in [0, 1]; `none` gives `(b,)`.

    It is the mean squared error times the number of channels, and `mse_loss` itself for one channel, but for what
    `sum` and `none` give: one value an image rather than one a pixel.
    """
    check_equal_shapes(image=image, target=target)
    return reduced_images(F.mse_loss(image, target, reduction="none").sum(1), reduction)


def max_intensity_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """|F - max(sources)| at each pixel, in [0, 1]. Where a source is flat and bright this rewards a veil.

    `none` gives `(b, 1, h, w)`.
    """
    return reduced((fused - sources.amax(1, keepdim=True)).abs(), reduction)


def out_of_range_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],  # noqa: ARG001
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance of each fused value to [0, 1], to which the Fuser would clip it; `none` gives `(b, 1, h, w)`."""
    return reduced(F.relu(fused - 1) + F.relu(-fused), reduction)


class IntensityLoss(PlainLoss):
    """`intensity_loss` as a module."""

    function = staticmethod(intensity_loss)


class MaxIntensityLoss(PlainLoss):
    """`max_intensity_loss` as a module."""

    function = staticmethod(max_intensity_loss)


class OutOfRangeLoss(PlainLoss):
    """`out_of_range_loss` as a module."""

    function = staticmethod(out_of_range_loss)
