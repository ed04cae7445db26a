"""The reduction of losses that give one value an image."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._reduction import Reduction, reduced


def reduced_images(values: Float[Tensor, "b ..."], reduction: Reduction) -> Tensor:
    """The mean of all values, the sum over the images of the mean of each, or those means `(b,)`."""
    return values.mean() if reduction == "mean" else reduced(values.flatten(1).mean(1), reduction)
