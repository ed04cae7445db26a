"""The operators of TIM's and HAF's search spaces: what a cell may do with its features, C channels in and C out.

Liu et al., TPAMI 2024 (arXiv 2305.15862) and ACM MM 2021 name ten; `conv_3` is ours. Convolutions carry no bias, and
a PReLU has one slope for all channels, as the known sizes of the papers' networks demand. Reading: they pad with zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.errors import RecipeError

DENSE_SCALE = 0.333


class SeparableConv(nn.Module):
    """`sep_k`: ReLU, depthwise k, conv 1, batch norm, twice.

    Args:
        channels: C.
        size: k, odd.

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.radius = 2 * (size // 2)
        halves = ([nn.ReLU(), _depthwise(channels, size), _conv1(channels), nn.BatchNorm2d(channels)] for _ in "12")
        self.body = nn.Sequential(*(layer for half in halves for layer in half))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return self.body(x)


class DilatedConv(nn.Module):
    """`dil_k`: x + (ReLU, depthwise k of dilation 2, conv 1, batch norm).

    Args:
        channels: C.
        size: k, odd.

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.radius = 2 * (size // 2)
        self.body = nn.Sequential(
            nn.ReLU(), _depthwise(channels, size, dilation=2), _conv1(channels), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return x + self.body(x)


class ResidualBlock(nn.Module):
    """`res_k`: x + (depthwise k, depthwise 3 of dilation 2, conv 1, batch norm, PReLU).

    Args:
        channels: C.
        size: k, odd.

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.radius = size // 2 + 2
        self.body = nn.Sequential(
            _depthwise(channels, size),
            _depthwise(channels, 3, dilation=2),
            _conv1(channels),
            nn.BatchNorm2d(channels),
            nn.PReLU(),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return x + self.body(x)


class DenseBlock(nn.Module):
    """`dense_k`, depthwise: x1 = PReLU(g(x)), x2 = PReLU(g(x, x1)), x + 0.333 g(x, x1, x2).

    Reading: g sees the groups of neighbouring channels of the concatenated maps, and both PReLUs share their slope.

    Args:
        channels: C.
        size: k, odd.

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.radius = 3 * (size // 2)
        self.convs = nn.ModuleList(
            nn.Conv2d(count * channels, channels, size, padding=size // 2, groups=channels, bias=False)
            for count in (1, 2, 3)
        )
        self.activation = nn.PReLU()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        first = self.activation(self.convs[0](x))
        second = self.activation(self.convs[1](torch.cat([x, first], 1)))
        return x + DENSE_SCALE * self.convs[2](torch.cat([x, first, second], 1))


class SpatialAttention(nn.Module):
    """`spatial_3`: x times the sigmoid of a conv 3 of the maximum and the mean over the channels (CBAM, ECCV 2018).

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    radius = 1

    def __init__(self, _channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return x * torch.sigmoid(self.conv(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)))


class ChannelAttention(nn.Module):
    """`channel_3`: y = x times the sigmoid of a 1-D conv 3 over the channels' means (ECA, CVPR 2020); PReLU(conv 3 y).

    Attributes:
        radius: pixels that an output pixel reaches to each side, but for the means.
        pools_globally: whether an output pixel depends on all others.
    """

    radius = 1
    pools_globally = True

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.activation = nn.PReLU()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        attention = torch.sigmoid(self.attention(x.mean((2, 3))[:, None]))
        return self.activation(self.conv(x * attention[:, 0, :, None, None]))


class PlainConv(nn.Module):
    """`conv_3`: conv 3, batch norm, ReLU, which engines compute in one. None of the papers' ten, and often faster.

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    radius = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return self.body(x)


MakeOperator = Callable[[int], nn.Module]
"""From channels to an operator."""

PAPER_OPERATORS: dict[str, MakeOperator] = {
    "sep_3": lambda channels: SeparableConv(channels, 3),
    "sep_5": lambda channels: SeparableConv(channels, 5),
    "dil_3": lambda channels: DilatedConv(channels, 3),
    "dil_5": lambda channels: DilatedConv(channels, 5),
    "res_3": lambda channels: ResidualBlock(channels, 3),
    "res_5": lambda channels: ResidualBlock(channels, 5),
    "dense_3": lambda channels: DenseBlock(channels, 3),
    "dense_5": lambda channels: DenseBlock(channels, 5),
    "spatial_3": SpatialAttention,
    "channel_3": ChannelAttention,
}
"""The ten operators of the papers."""

OPERATORS: dict[str, MakeOperator] = {**PAPER_OPERATORS, "conv_3": PlainConv}
"""Every operator that a genotype can name."""


def build_operator(name: str, channels: int) -> nn.Module:
    """An operator of `OPERATORS`.

    Raises:
        RecipeError: no such operator.

    Example:
        >>> build_operator("res_3", 8)(torch.rand(1, 8, 16, 16)).shape
        torch.Size([1, 8, 16, 16])
    """
    if name not in OPERATORS:
        near = get_close_matches(name, OPERATORS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise RecipeError(f"no operator {name!r}{hint} Known operators: {', '.join(OPERATORS)}")
    return OPERATORS[name](channels)


def _depthwise(channels: int, size: int, dilation: int = 1) -> nn.Conv2d:
    padding = dilation * (size // 2)
    return nn.Conv2d(channels, channels, size, padding=padding, dilation=dilation, groups=channels, bias=False)


def _conv1(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 1, bias=False)
