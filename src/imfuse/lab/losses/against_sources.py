"""A loss between images as a loss of the fused image: which of the sources, or what of them, it is given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Target = Literal["each", "mean", "maximum"] | int
MakeLoss = Callable[..., Callable[..., Tensor]]
"""What makes a loss of its options, such as its class."""


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
        if self.target == "mean":
            return self.loss(fused, sources.mean(1, keepdim=True))
        if self.target == "maximum":
            return self.loss(fused, sources.amax(1, keepdim=True))
        return self.loss(fused, _source(sources, int(self.target)))


class WithSources(nn.Module):
    """Hands the loss the fused image and some of the sources, in the order in which it wants them.

    Args:
        loss: from batches of images to a scalar.
        numbers: of the sources, counted from 0; none for a loss of the fused image alone.
    """

    def __init__(self, loss: Callable[..., Tensor], numbers: Sequence[int] = ()) -> None:
        super().__init__()
        self.loss, self.numbers = loss, tuple(numbers)

    def forward(self, fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, ""]:
        """The loss of the fused image."""
        return self.loss(fused, *(_source(sources, number) for number in self.numbers))


def against_sources(make_loss: MakeLoss) -> Callable[..., AgainstSources]:
    """Of what makes a loss of two images, what makes one against sources: its options and `target`."""

    def make(target: Target = "each", **options: Any) -> AgainstSources:
        return AgainstSources(make_loss(**options), target)

    return _signed(make, make_loss, {"target": "each"})


def with_sources(make_loss: MakeLoss, **roles: int) -> Callable[..., WithSources]:
    """Of what makes a loss, what makes one that is handed sources by their roles, which become options too.

    Args:
        make_loss: of a loss that takes the fused image, and one more image for each role.
        roles: by name, in the order of the loss, the number of the source unless an option says another.
    """

    def make(**options: Any) -> WithSources:
        numbers = [options.pop(role, number) for role, number in roles.items()]
        return WithSources(make_loss(**options), numbers)

    return _signed(make, make_loss, roles)


def _signed(make: Any, make_loss: MakeLoss, more: Mapping[str, Any]) -> Any:
    """Let `inspect.signature` and `help` show which options there are."""
    options = {**{name: option.default for name, option in inspect.signature(make_loss).parameters.items()}, **more}
    kind = inspect.Parameter.KEYWORD_ONLY
    make.__signature__ = inspect.Signature(
        [inspect.Parameter(name, kind, default=default) for name, default in options.items()]
    )
    return make


def _source(sources: Float[Tensor, "b n h w"], number: int) -> Float[Tensor, "b 1 h w"]:
    if not 0 <= number < sources.shape[1]:
        raise ValueError(f"source {number}: there are {sources.shape[1]} sources, counted from 0")
    return sources[:, number : number + 1]
