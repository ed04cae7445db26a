"""The loss of CrossFuse (Li and Wu, Information Fusion 2024, arXiv 2406.10581)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._choice import share_of_largest
from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.nn.gradients import image_gradient

WINDOW = 11
GRADIENT_WEIGHT = 10.0


def crossfuse_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],
    gradient_weight: float = GRADIENT_WEIGHT,
    reduction: Reduction = "mean",
) -> Tensor:
    """L_int + gradient_weight L_grad, each a mean over the pixels.

    L_int = (F - sum_k M_k I_k)^2, M_k = 1 for the source whose surroundings of 11 x 11 pixels are brightest;
    L_grad = (relu(lap F) - max_k relu(lap I_k))^2.

    **Readings**: squares are meant by both norms; the Laplacian is the mean of the eight neighbours less the centre, so
    that its rectified part is what is darker than its surroundings, and the dark side of edges; sources that are
    equally bright share; the window holds what lies inside the image.

    Args:
        fused: F, in [0, 1].
        sources: I_k, in [0, 1].
        gradient_weight: how much gradients count beside intensity.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: no such reduction.

    Example:
        >>> sources = torch.tensor([[[[0.5]], [[0.3]]]])
        >>> round(crossfuse_loss(sources[:, 1:], sources).item(), 4)
        0.04
    """
    intensity = (fused - brightest_surroundings(sources)).square()
    strongest = _rectified(sources).amax(1, keepdim=True)
    gradient = (_rectified(fused) - strongest).square()
    losses = (intensity + gradient_weight * gradient).mean((1, 2, 3))
    return reduced(losses.to(fused.dtype), reduction)


def brightest_surroundings(sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b 1 h w"]:
    """At each pixel the source with the largest mean over 11 x 11 pixels; the choice has no gradient."""
    means = F.avg_pool2d(sources, WINDOW, stride=1, padding=WINDOW // 2, count_include_pad=False)
    return (share_of_largest(means) * sources).sum(1, keepdim=True)


def _rectified(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    return torch.relu(image_gradient(images, "laplacian8").squeeze(2))


class CrossFuseLoss(LossModule):
    """`crossfuse_loss` as a module."""

    function = staticmethod(crossfuse_loss)

    def __init__(self, gradient_weight: float = GRADIENT_WEIGHT, reduction: Reduction = "mean") -> None:
        super().__init__(gradient_weight=gradient_weight, reduction=reduction)
