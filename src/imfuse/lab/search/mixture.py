"""Mixtures: modules that compute the options of a choice and add them up by the weights of the step.

A `Step` carries the weights from the network, which has the logits, to the mixtures deep inside its cells, so that
cells need not know of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Step:
    """The weights of all choices in the forward pass under way; shared by the mixtures of one network."""

    def __init__(self) -> None:
        self._weights: dict[str, Tensor] = {}
        self._taken: dict[str, list[int]] = {}
        self._rivals: Mapping[str, int] = {}

    @contextmanager
    def of(self, weights: Mapping[str, Tensor], rivals: Mapping[str, int] | None = None) -> Iterator[None]:
        """Mix by these weights of each choice, until the block ends.

        Args:
            weights: by the name of the choice.
            rivals: options of weight zero that are computed where their weight has a gradient, for the sake of that
                gradient. Inside of one there are no others, whose gradient would be zero.
        """
        self._weights, self._taken, self._rivals = dict(weights), _not_zero(weights), dict(rivals or {})
        try:
            yield
        finally:  # otherwise the graph of the step would be held, and copied with the network
            self._weights, self._taken, self._rivals = {}, {}, {}

    def weights(self, choice: str) -> Float[Tensor, " options"]:
        """The weights of a choice.

        Raises:
            RuntimeError: no pass is under way, or it has no such choice.
        """
        if choice not in self._weights:
            raise RuntimeError(f"no weights of choice {choice!r}: call the whole supernet, not a part of it")
        return self._weights[choice]

    def mix(self, choice: str, paths: Sequence[Callable[[], Tensor]]) -> Tensor:
        """Sum of weight times result over those paths whose weight is not zero, and the rival; no other is called.

        Args:
            choice: its name.
            paths: what computes each option, all of one shape; a single one is no choice and needs no weight.
        """
        if len(paths) == 1:
            return paths[0]()
        weights = self.weights(choice)
        first, *others = self._taken[choice]
        mixed = weights[first] * paths[first]()
        for option in others:
            mixed = mixed + weights[option] * paths[option]()
        rival = self._rivals.get(choice)
        if rival is None or not weights.requires_grad:
            return mixed
        with self._without_rivals():
            return mixed + weights[rival] * paths[rival]()

    @contextmanager
    def _without_rivals(self) -> Iterator[None]:
        rivals, self._rivals = self._rivals, {}
        try:
            yield
        finally:
            self._rivals = rivals


class Mixture(nn.Module):
    """The options of one choice, mixed.

    Args:
        choice: its name.
        options: modules of the same inputs and output shape, by name.
        step: where the weights come from.
    """

    def __init__(self, choice: str, options: Mapping[str, nn.Module], step: Step) -> None:
        super().__init__()
        self.choice = choice
        self.options = nn.ModuleDict(options)
        self.step = step

    def forward(self, *inputs: Tensor) -> Tensor:
        """The sum of the options that have a weight."""
        return self.step.mix(self.choice, [partial(option, *inputs) for option in self.options.values()])


class ChannelMask(nn.Module):
    """Channels of the largest width as those of the widths to choose from: x times sum_i p_i 1[c < w_i].

    Wan et al., FBNetV2, CVPR 2020: all widths share their weights and cost one pass.

    Args:
        widths: the options of the choice `width`.
        channels: of x, a multiple of the largest width, by which the widths are multiplied too.
        step: where the weights p come from.
    """

    inside: Tensor

    def __init__(self, widths: Sequence[int], channels: int, step: Step) -> None:
        super().__init__()
        limits = torch.tensor(widths) * (channels // max(widths))
        self.register_buffer("inside", (torch.arange(channels) < limits[:, None]).float(), persistent=False)
        self.step = step

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        mask = (self.step.weights("width")[:, None] * self.inside).sum(0)
        return x * mask.to(x.dtype)[:, None, None]


def _not_zero(weights: Mapping[str, Tensor]) -> dict[str, list[int]]:
    if not weights:
        return {}
    # One transfer for all choices: each would make a GPU wait.
    values = iter(torch.cat([each.detach() for each in weights.values()]).tolist())
    return {name: [option for option in range(len(each)) if next(values) != 0] for name, each in weights.items()}
