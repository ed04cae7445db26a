"""Losses from pixel to pixel of two images, whatever their scale; `none` gives the map of all values.

Images of unequal shapes are a ValueError.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import LossModule, PlainLoss
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._shapes import check_equal_shapes

Images = Float[Tensor, "b c h w"]


def mse_loss(image: Images, target: Images, reduction: Reduction = "mean") -> Tensor:
    """(x - y)^2 at each value x of the image and y of the target; it prefers many small errors to one large."""
    check_equal_shapes(image=image, target=target)
    return reduced(F.mse_loss(image, target, reduction="none"), reduction)


def mae_loss(image: Images, target: Images, reduction: Reduction = "mean") -> Tensor:
    """|x - y| at each value x of the image and y of the target."""
    check_equal_shapes(image=image, target=target)
    return reduced(F.l1_loss(image, target, reduction="none"), reduction)


def smooth_l1_loss(image: Images, target: Images, beta: float = 1.0, reduction: Reduction = "mean") -> Tensor:
    """d^2 / (2 beta) where d = |x - y| is below beta, d - beta / 2 from there on (Girshick 2015, equation 3).

    Args:
        image: in [0, 1] beta = 1 leaves no more than half the squared error; about 0.1 gives it both parts.
        target: of the same shape.
        beta: from 0, which gives |x - y|.
        reduction: `none` gives the shape of the images.

    Example:
        >>> smooth_l1_loss(torch.tensor([0.1, 1.0]), torch.zeros(2), beta=0.2, reduction="none")
        tensor([0.0250, 0.9000])
    """
    check_equal_shapes(image=image, target=target)
    return reduced(F.smooth_l1_loss(image, target, reduction="none", beta=beta), reduction)


def charbonnier_loss(image: Images, target: Images, epsilon: float = 1e-3, reduction: Reduction = "mean") -> Tensor:
    """Root of (x - y)^2 + epsilon^2 (Lai et al. 2017, section 3.3): |x - y| that is smooth at 0.

    Args:
        image: any scale.
        target: of the same shape.
        epsilon: above 0; the loss of equal images.
        reduction: `none` gives the shape of the images.
    """
    check_equal_shapes(image=image, target=target)
    return reduced(torch.sqrt((image - target).square() + epsilon**2), reduction)


class MSELoss(PlainLoss):
    """`mse_loss` as a module."""

    function = staticmethod(mse_loss)


class MAELoss(PlainLoss):
    """`mae_loss` as a module."""

    function = staticmethod(mae_loss)


class SmoothL1Loss(LossModule):
    """`smooth_l1_loss` as a module."""

    function = staticmethod(smooth_l1_loss)

    def __init__(self, beta: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(beta=beta, reduction=reduction)


class CharbonnierLoss(LossModule):
    """`charbonnier_loss` as a module."""

    function = staticmethod(charbonnier_loss)

    def __init__(self, epsilon: float = 1e-3, reduction: Reduction = "mean") -> None:
        super().__init__(epsilon=epsilon, reduction=reduction)
