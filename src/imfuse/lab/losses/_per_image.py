"""What losses that give one value an image share: their reduction, and the module of those without other options."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._reduction import Reduction, reduced


def reduced_images(values: Float[Tensor, "b ..."], reduction: Reduction) -> Tensor:
    """The mean of all values, the sum over the images of the mean of each, or those means `(b,)`."""
    return values.mean() if reduction == "mean" else reduced(values.flatten(1).mean(1), reduction)


class PlainLoss(LossModule):
    """A loss whose only option is its reduction."""

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
