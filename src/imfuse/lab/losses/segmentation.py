"""Losses on maps of classes: focal, Dice, and cross entropy weighted by class and towards borders."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._precision import precise
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._shapes import check_equal_shapes

BORDER_WEIGHT, BORDER_WIDTH = 10.0, 5.0
FAR = 2


def cross_entropy_loss(
    logits: Float[Tensor, "b k h w"], labels: Int[Tensor, "b h w"], ignore: int = 255, reduction: Reduction = "mean"
) -> Tensor:
    """`weighted_cross_entropy_loss` with all weights 1: -log softmax(logits)[label], over the labelled pixels."""
    return weighted_cross_entropy_loss(logits, labels, ignore=ignore, reduction=reduction)


def weighted_cross_entropy_loss(
    logits: Float[Tensor, "b k h w"],
    labels: Int[Tensor, "b h w"],
    *,
    class_weights: Sequence[float] | Tensor | None = None,
    pixel_weights: Float[Tensor, "b h w"] | None = None,
    ignore: int = 255,
    reduction: Reduction = "mean",
) -> Tensor:
    """-w_class w_pixel log softmax(logits)[label], over the pixels that are labelled.

    Args:
        logits: of k classes.
        labels: class numbers, and `ignore` where nothing is labelled.
        class_weights: k of them, larger for what is rare; all 1 if None.
        pixel_weights: such as `border_weights`; all 1 if None.
        ignore: label that does not count.
        reduction: `mean` divides by the sum of the weights that count, as PyTorch does, and is 0 where none does;
            `none` gives `(b, h, w)`.

    Raises:
        ValueError: not as many class weights as classes, or no such reduction.

    Example:
        >>> weighted_cross_entropy_loss(torch.zeros(1, 4, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long)).item()
        1.38...
    """
    labelled = labels != ignore
    known = labels.where(labelled, 0)
    losses = F.cross_entropy(precise(logits), known, reduction="none")
    weights = labelled.to(losses.dtype)
    if class_weights is not None:
        if len(class_weights) != logits.shape[1]:
            raise ValueError(f"class_weights: {len(class_weights)}, expected one for each of {logits.shape[1]} classes")
        weights = weights * torch.as_tensor(class_weights, dtype=losses.dtype, device=losses.device)[known]
    if pixel_weights is not None:
        weights = weights * pixel_weights.to(losses.dtype)
    if reduction == "mean":
        mean = (losses * weights).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)
        return mean.to(logits.dtype)
    return reduced(losses * weights, reduction).to(logits.dtype)


def border_weights(
    instances: NDArray[np.integer], weight: float = BORDER_WEIGHT, width: float = BORDER_WIDTH
) -> NDArray[np.float32]:
    """w0 exp(-(d1 + d2)^2 / (2 sigma^2)) + 1 on the background, 1 on instances (Ronneberger et al. 2015, equation 2).

    It asks for the thin gaps between things that touch almost.

    Args:
        instances: `(h, w)`, 0 for the background and a number of its own for each thing.
        weight: w0.
        width: sigma in pixels.

    Returns:
        Weights `(h, w)`; d1 and d2 are the distances to the nearest and the second nearest thing, and with fewer than
        two things all weights are 1.
    """
    numbers = [number for number in np.unique(instances) if number != 0]
    weights = np.ones(instances.shape, np.float32)
    if len(numbers) < FAR:
        return weights
    nearest = np.full((2, *instances.shape), np.inf, np.float32)
    for number in numbers:  # the two smallest so far, so that memory does not grow with the number of things
        distance = cv2.distanceTransform((instances != number).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        nearest[1] = np.minimum(nearest[1], np.maximum(nearest[0], distance))
        nearest[0] = np.minimum(nearest[0], distance)
    raised = weight * np.exp(-(nearest.sum(0) ** 2) / (2 * width**2))
    return weights + np.where(instances == 0, raised, 0).astype(np.float32)


def focal_loss(
    logits: Float[Tensor, "b ..."],
    targets: Float[Tensor, "b ..."],
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    reduction: Reduction = "mean",
) -> Tensor:
    """-alpha_t (1 - p_t)^gamma log p_t for yes or no at each place (Lin et al. 2017, equation 5).

    Args:
        logits: of yes.
        targets: 1 for yes, 0 for no.
        gamma: how far what is easy is let off; 0 gives cross entropy.
        alpha: weight of yes, that of no is 1 - alpha; None weighs them alike.
        reduction: `none` gives the shape of the logits.
    """
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    missed = torch.sigmoid(logits) * (1 - 2 * targets) + targets  # 1 - p_t
    # A power below 1 has no finite gradient at 0, which sure logits reach.
    losses = cross_entropy * missed.clamp_min(torch.finfo(missed.dtype).tiny) ** gamma
    if alpha is not None:
        losses = losses * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduced(losses, reduction)


def dice_loss(
    logits: Float[Tensor, "b k h w"],
    targets: Float[Tensor, "b k h w"],
    smooth: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """1 - (2 sum p t + s) / (sum p + sum t + s), p the sigmoid of the logits (Milletari et al. 2016, without squares).

    It weighs each class by itself, however small it is.

    Args:
        logits: a channel a class.
        targets: in [0, 1].
        smooth: s, pixels that make the loss of a class that is neither there nor seen 0; with 0 it is 1.
        reduction: over images and classes; `none` gives `(b, k)`.

    Raises:
        ValueError: targets of another shape than the logits, or no such reduction.
    """
    check_equal_shapes(logits=logits, targets=targets)
    seen, targets = torch.sigmoid(precise(logits)), precise(targets)
    both = (seen * targets).sum(dim=(2, 3))
    each = seen.sum(dim=(2, 3)) + targets.sum(dim=(2, 3))
    least = torch.finfo(each.dtype).tiny
    return reduced(1 - (2 * both + smooth) / (each + smooth).clamp_min(least), reduction).to(logits.dtype)


class CrossEntropyLoss(LossModule):
    """`cross_entropy_loss` as a module."""

    function = staticmethod(cross_entropy_loss)

    def __init__(self, ignore: int = 255, reduction: Reduction = "mean") -> None:
        super().__init__(ignore=ignore, reduction=reduction)


class WeightedCrossEntropyLoss(LossModule):
    """`weighted_cross_entropy_loss` as a module; the weights of pixels are an input of each call."""

    function = staticmethod(weighted_cross_entropy_loss)

    def __init__(
        self, class_weights: Sequence[float] | None = None, ignore: int = 255, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(class_weights=class_weights, ignore=ignore, reduction=reduction)


class FocalLoss(LossModule):
    """`focal_loss` as a module."""

    function = staticmethod(focal_loss)

    def __init__(self, gamma: float = 2.0, alpha: float | None = 0.25, reduction: Reduction = "mean") -> None:
        super().__init__(gamma=gamma, alpha=alpha, reduction=reduction)


class DiceLoss(LossModule):
    """`dice_loss` as a module."""

    function = staticmethod(dice_loss)

    def __init__(self, smooth: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(smooth=smooth, reduction=reduction)
