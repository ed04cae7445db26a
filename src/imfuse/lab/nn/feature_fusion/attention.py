"""Soft attention: every position, or every channel, of every map is kept, with a weight (Xu et al. 2015, section 4.2).

With several maps the weights are shares: a softmax over the maps of a learned score. With one map they are a gate.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion.sizes import Mode, at_size_of_first, check_mode
from imfuse.lab.nn.feature_fusion.squeeze_excitation import hidden_channels

REDUCTION = 4


class SoftSpatialAttention(nn.Module):
    """Z = sum over maps of a_k X_k, with a_k(position) = softmax over k of s(X_k(position)).

    s is conv1 C -> C/r, ReLU, conv1 C/r -> 1, the same for all maps, so that any number of maps in any order will do.
    One map is gated: Z = sigmoid(s(X)) X. What a position gets depends on that position alone.

    Args:
        channels: of every map, C.
        reduction: r; at least 4 channels stand between the convolutions.
        mode: how a coarser map is raised to the first's size.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(SoftSpatialAttention(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        1,057 parameters, 2,129,920 MACs
    """

    def __init__(self, channels: int, *, reduction: int = REDUCTION, mode: Mode = "nearest") -> None:
        super().__init__()
        self.channels = channels
        self.mode: Mode = check_mode(mode)
        self.score = scores(channels, 1, reduction)

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The weighted sum at the first map's size.

        Raises:
            ValueError: maps that do not go together.
        """
        parts = at_size_of_first(maps, self.channels, self.mode, least=1)
        return _weighted_sum(parts, [self.score(part) for part in parts])


class SoftChannelAttention(nn.Module):
    """Z = sum over maps of a_k X_k, with a_k(channel) = softmax over k of s(GAP(X_k)).

    s is conv1 C -> C/r, ReLU, conv1 C/r -> C, the same for all maps, so that any number of maps in any order will do.
    One map is gated: Z = sigmoid(s(GAP(X))) X, which is squeeze-and-excitation.

    Args:
        channels: of every map, C.
        reduction: r; at least 4 channels stand between the convolutions.
        mode: how a coarser map is raised to the first's size.

    Attributes:
        pools_globally: every position depends on the whole map.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(SoftChannelAttention(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        2,128 parameters, 4,096 MACs
    """

    pools_globally = True

    def __init__(self, channels: int, *, reduction: int = REDUCTION, mode: Mode = "nearest") -> None:
        super().__init__()
        self.channels = channels
        self.mode: Mode = check_mode(mode)
        self.score = scores(channels, channels, reduction)

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The weighted sum at the first map's size.

        Raises:
            ValueError: maps that do not go together.
        """
        parts = at_size_of_first(maps, self.channels, self.mode, least=1)
        return _weighted_sum(parts, [self.score(part.mean((2, 3), keepdim=True)) for part in parts])


def scores(channels: int, outputs: int, reduction: int = REDUCTION) -> nn.Sequential:
    """conv1 C -> C/r, ReLU, conv1 C/r -> outputs."""
    hidden = hidden_channels(channels, reduction)
    return nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, outputs, 1))


def _weighted_sum(parts: Sequence[Tensor], given: Sequence[Tensor]) -> Tensor:
    if len(parts) == 1:
        return given[0].sigmoid() * parts[0]
    weights = torch.stack(list(given), dim=1).softmax(1)
    return (weights * torch.stack(list(parts), dim=1)).sum(1)
