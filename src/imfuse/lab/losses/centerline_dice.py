"""Centreline Dice, clDice (Shit et al., CVPR 2021): whether thin structures are found whole, by their skeletons."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._precision import precise
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._shapes import check_equal_shapes
from imfuse.lab.losses.segmentation import dice_loss

ITERATIONS = 10


def soft_skeleton(probabilities: Float[Tensor, "b k h w"], iterations: int = ITERATIONS) -> Float[Tensor, "b k h w"]:
    """What is lost by opening, gathered over repeated erosions (algorithm 1): the middle of structures.

    Erosion is the minimum over a cross of 5 pixels, as the least of a column and a row of 3; dilation the maximum over
    3 x 3. What lies outside the image counts as neither.

    Args:
        probabilities: in [0, 1]; a binary map has a binary skeleton.
        iterations: at least half the width of the widest structure in pixels; what is wider has no skeleton.

    Returns:
        In [0, 1]. It lies within the structure, is not always connected where the width changes, and may be two pixels
        wide where the width is even.

    Raises:
        ValueError: fewer than 0 iterations.
    """
    if iterations < 0:
        raise ValueError(f"iterations {iterations}: expected 0 or more")
    eroded = probabilities
    skeleton = F.relu(eroded - _opened(eroded))
    for _ in range(iterations):
        eroded = _eroded(eroded)
        skeleton = skeleton + (1 - skeleton) * F.relu(eroded - _opened(eroded))
    return skeleton


def cldice_loss(
    logits: Float[Tensor, "b k h w"],
    targets: Float[Tensor, "b k h w"],
    *,
    iterations: int = ITERATIONS,
    alpha: float = 0.5,
    smooth: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """(1 - alpha) Dice + alpha (1 - clDice) (algorithm 2); clDice = 2 P S / (P + S).

    P, the share of the found skeleton that lies in the true structure, falls by false branches; S, the share of the
    true skeleton that lies in what was found, by gaps. However thick a structure is, a gap in it costs as much.

    Args:
        logits: a channel a class; of yes.
        targets: in [0, 1], usually 0 or 1.
        iterations: of the skeletons, at least half the width of the widest structure in pixels.
        alpha: share of clDice beside Dice, from 0 to 1; the paper stays at or below 0.5.
        smooth: above 0; pixels added to both parts of every share, so that nothing found of nothing costs nothing.
        reduction: over images and classes; `none` gives `(b, k)`.

    Raises:
        ValueError: targets of another shape than the logits, fewer than 0 iterations, or no such reduction.

    Example:
        >>> line = torch.zeros(1, 1, 9, 9)
        >>> line[..., 4, :] = 1
        >>> f"{cldice_loss(100 * (line - 0.5), line).item():.4f}"
        '0.0000'
    """
    check_equal_shapes(logits=logits, targets=targets)
    seen, wanted = torch.sigmoid(precise(logits)), precise(targets)
    precision = _share(soft_skeleton(seen, iterations), wanted, smooth)
    sensitivity = _share(soft_skeleton(wanted, iterations), seen, smooth)
    centreline = 1 - 2 * precision * sensitivity / (precision + sensitivity)
    losses = (1 - alpha) * dice_loss(precise(logits), wanted, smooth, "none") + alpha * centreline
    return reduced(losses, reduction).to(logits.dtype)


class ClDiceLoss(LossModule):
    """`cldice_loss` as a module."""

    function = staticmethod(cldice_loss)

    def __init__(
        self, iterations: int = ITERATIONS, alpha: float = 0.5, smooth: float = 1.0, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(iterations=iterations, alpha=alpha, smooth=smooth, reduction=reduction)


def _eroded(values: Tensor) -> Tensor:
    column = F.max_pool2d(-values, (3, 1), stride=1, padding=(1, 0))
    row = F.max_pool2d(-values, (1, 3), stride=1, padding=(0, 1))
    return -torch.maximum(column, row)


def _opened(values: Tensor) -> Tensor:
    return F.max_pool2d(_eroded(values), 3, stride=1, padding=1)


def _share(skeleton: Tensor, structure: Tensor, smooth: float) -> Float[Tensor, "b k"]:
    inside = (skeleton * structure).sum(dim=(2, 3))
    return (inside + smooth) / (skeleton.sum(dim=(2, 3)) + smooth)
