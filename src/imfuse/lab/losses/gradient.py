"""Losses on the gradients of images: of a target, of the strongest source, of the edges that must not blur."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import LossModule, PlainLoss
from imfuse.lab.losses._per_image import reduced_images
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._shapes import check_equal_shapes
from imfuse.lab.nn.gradients import Operator, image_gradient

Norm = Literal["l1", "l2"]


def gradient_loss(
    image: Float[Tensor, "b c h w"],
    target: Float[Tensor, "b c h w"],
    operator: Operator = "sobel",
    norm: Norm = "l2",
    reduction: Reduction = "mean",
) -> Tensor:
    """1 / (H W) |grad I1 - grad I2|, images in [0, 1].

    Args:
        image: I1.
        target: I2.
        operator: of `image_gradient`.
        norm: `l2`: the squares of the differences, `l1`: their magnitudes; of all components and channels.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: images of unequal shapes, no such operator, norm or reduction.

    Example:
        >>> slope = torch.arange(4.0).expand(1, 1, 4, 4)
        >>> gradient_loss(slope, torch.zeros(1, 1, 4, 4), "forward").item()
        0.75
    """
    check_equal_shapes(image=image, target=target)
    return reduced_images(_size(image_gradient(image - target, operator), norm), reduction)


def joint_gradient_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],
    operator: Operator = "sobel",
    norm: Norm = "l1",
    reduction: Reduction = "mean",
) -> Tensor:
    """1 / (H W) |grad F - grad S|, where each component of grad S is that of the source in which it is strongest.

    Args:
        fused: F, in [0, 1].
        sources: in [0, 1].
        operator: of `image_gradient`.
        norm: `l1`: the magnitudes of the differences, `l2`: their squares; of all components.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: no such operator, norm or reduction.
    """
    difference = image_gradient(fused, operator) - _strongest(image_gradient(sources, operator))
    return reduced_images(_size(difference, norm), reduction)


def max_gradient_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """Mean |grad F - the source gradient of larger magnitude|, by forward differences along rows and columns.

    `joint_gradient_loss` by `forward` differences, but that the mean along each axis leaves out the far border, where
    there is none; `none` gives `(b,)`.
    """
    terms = []
    for dim in (2, 3):
        difference = fused.diff(dim=dim) - _strongest(sources.diff(dim=dim))
        has_any = difference.numel() > 0  # the mean of nothing is not a number
        terms.append(reduced_images(difference.abs(), reduction) if has_any else _nothing(fused, reduction))
    return terms[0] + terms[1]


def edge_preserving_loss(
    image: Float[Tensor, "b c h w"],
    target: Float[Tensor, "b c h w"],
    operator: Operator = "sobel",
    reduction: Reduction = "mean",
) -> Tensor:
    """1 / (H W) |grad SR - grad HR|_1 of a super-resolved image to the true one, images in [0, 1].

    The L1 norm, so that it does not spread an edge to make its error small everywhere. Operators and reduction as for
    `gradient_loss`.
    """
    return gradient_loss(image, target, operator, "l1", reduction)


def _size(gradients: Float[Tensor, "b c k h w"], norm: Norm) -> Float[Tensor, "b h w"]:
    if norm == "l1":
        return gradients.abs().sum(dim=(1, 2))
    if norm == "l2":
        return gradients.square().sum(dim=(1, 2))
    raise ValueError(f"norm {norm!r}: expected l1 or l2")


def _strongest(values: Float[Tensor, "b n ..."]) -> Float[Tensor, "b 1 ..."]:
    highest, lowest = values.amax(1, keepdim=True), values.amin(1, keepdim=True)
    return torch.where(highest >= -lowest, highest, lowest)


def _nothing(images: Tensor, reduction: Reduction) -> Tensor:
    return reduced(images.flatten(1)[:, :0].sum(1), reduction)


class GradientLoss(LossModule):
    """`gradient_loss` as a module."""

    function = staticmethod(gradient_loss)

    def __init__(self, operator: Operator = "sobel", norm: Norm = "l2", reduction: Reduction = "mean") -> None:
        super().__init__(operator=operator, norm=norm, reduction=reduction)


class JointGradientLoss(LossModule):
    """`joint_gradient_loss` as a module."""

    function = staticmethod(joint_gradient_loss)

    def __init__(self, operator: Operator = "sobel", norm: Norm = "l1", reduction: Reduction = "mean") -> None:
        super().__init__(operator=operator, norm=norm, reduction=reduction)


class MaxGradientLoss(PlainLoss):
    """`max_gradient_loss` as a module."""

    function = staticmethod(max_gradient_loss)


class EdgePreservingLoss(LossModule):
    """`edge_preserving_loss` as a module."""

    function = staticmethod(edge_preserving_loss)

    def __init__(self, operator: Operator = "sobel", reduction: Reduction = "mean") -> None:
        super().__init__(operator=operator, reduction=reduction)
