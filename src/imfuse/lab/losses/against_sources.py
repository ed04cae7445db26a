"""A loss between two images as a loss of the fused image: which target the sources give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Target = Literal["each", "mean", "maximum"] | int


class AgainstSources(nn.Module):
    """Compares the fused image with what is chosen from the sources.

    Args:
        loss: from two batches of images to a scalar.
        target: `each`: the mean of the losses to each source. `mean`, `maximum`: the loss to the pixelwise mean or
            maximum of the sources. A number: the loss to that source, counted from 0.

    Raises:
        ValueError: no such target.
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor], target: Target = "each") -> None:
        super().__init__()
        if target not in ("each", "mean", "maximum") and (isinstance(target, bool) or not isinstance(target, int)):
            raise ValueError(f"target {target!r}: expected each, mean, maximum, or the number of a source")
        self.loss, self.target = loss, target

    def forward(self, fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
        """The loss of the fused image."""
        if self.target == "each":
            return torch.stack([self.loss(fused, source) for source in sources.split(1, dim=1)]).mean()
        return self.loss(fused, self._chosen(sources))

    def _chosen(self, sources: Tensor) -> Tensor:
        if self.target == "mean":
            return sources.mean(1, keepdim=True)
        if self.target == "maximum":
            return sources.amax(1, keepdim=True)
        number = int(self.target)
        if not 0 <= number < sources.shape[1]:
            raise ValueError(f"target {number}: there are {sources.shape[1]} sources, counted from 0")
        return sources[:, number : number + 1]


def against_sources(loss: Callable[..., Callable[[Tensor, Tensor], Tensor]]) -> Callable[..., AgainstSources]:
    """Of a class of pair losses, what makes it a loss against sources: its options and `target`."""

    def make(target: Target = "each", **options: Any) -> AgainstSources:
        return AgainstSources(loss(**options), target)

    return make
