"""The cells of TIM and HAF: operators in a frame that decides at which scales or frequencies they work.

CSC is successive, CMS works at three scales, CDC on low and high frequencies (Liu et al., ACM MM 2021 and TPAMI 2024).
A cell is given what makes its operators of their channels, so that the same frames serve found and searched networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.genotype import CellGene
from imfuse.lab.nn.guided_filter import guided_filters
from imfuse.lab.nn.operators import OPERATORS, MakeOperator
from imfuse.lab.nn.scales import Down, Up

REDUCTION = 8
RADII, EPSILONS = (2, 4, 8), (1e-3, 1e-4)
PATH_REACH = 12
"""Pixels to each side that the way to a quarter of the size and back reaches."""


class CSC(nn.Module):
    """Successive cell: ReLU, conv 1, batch norm, then the operators one after the other.

    Args:
        channels: C, in and out.
        operators: what makes each operator of its channels.

    Attributes:
        size_multiple: height and width must be multiples of this.
        radius: pixels that an output pixel reaches to each side, where its operators say theirs.
    """

    size_multiple = 1

    def __init__(self, channels: int, operators: Sequence[MakeOperator]) -> None:
        super().__init__()
        self.enter = _enter(channels)
        self.operators = _chain(channels, operators)
        self.radius = reach(self.operators)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return self.operators(self.enter(x))


class CMS(nn.Module):
    """Multi-scale cell: the operators at full, half and quarter size, joined by selective kernels, plus the input.

    ReLU, conv 1 and batch norm give x. Features of half the size have 2 C channels, of a quarter 4 C. What comes back
    is weighted for each channel by a softmax over the three scales, from the mean of their sum over the whole map.

    Args:
        channels: C, in and out.
        operators: what makes each operator of its channels; made three times, with weights of their own.

    Attributes:
        size_multiple: height and width must be multiples of this.
        radius: pixels that an output pixel reaches to each side, but for the means.
        pools_globally: whether an output pixel depends on all others.
    """

    size_multiple = 4
    pools_globally = True

    def __init__(self, channels: int, operators: Sequence[MakeOperator]) -> None:
        super().__init__()
        self.enter = _enter(channels)
        self.to_half = Down(channels)
        self.to_quarter = nn.Sequential(Down(channels), Down(2 * channels))
        self.operators = nn.ModuleList(_chain(factor * channels, operators) for factor in (1, 2, 4))
        self.from_half = Up(2 * channels)
        self.from_quarter = nn.Sequential(Up(4 * channels), Up(2 * channels))
        self.select = SelectiveKernel(channels, 3)
        self.radius = 4 * reach(self.operators[0]) + PATH_REACH

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        x = self.enter(x)
        full, half, quarter = self.operators
        scales = [full(x), self.from_half(half(self.to_half(x))), self.from_quarter(quarter(self.to_quarter(x)))]
        return x + self.select(scales)


class CDC(nn.Module):
    """Decomposition cell: the operators on low and on high frequencies, parted by six guided filters.

    The guide is the spread of the features over their channels. Low frequencies are the features smoothed with three
    radii and two strengths; high frequencies are what remains.

    Args:
        channels: C, in and out.
        operators: what makes each operator of its channels; made twice, with weights of their own.

    Attributes:
        size_multiple: height and width must be multiples of this.
        radius: pixels that an output pixel reaches to each side, where its operators say theirs.
    """

    size_multiple = 1

    def __init__(self, channels: int, operators: Sequence[MakeOperator]) -> None:
        super().__init__()
        count = len(RADII) * len(EPSILONS)
        self.compress = nn.ModuleList(nn.Conv2d(count * channels, channels, 1, bias=False) for _ in range(2))
        self.operators = nn.ModuleList(_chain(channels, operators) for _ in range(2))
        self.join = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.refine = EnhancedResidual(channels)
        self.radius = 2 * max(RADII) + reach(self.operators[0]) + self.refine.radius

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        guide = x.amax(1, keepdim=True) - x.amin(1, keepdim=True)
        smooth = [each for radius in RADII for each in guided_filters(guide, x, radius, EPSILONS)]
        low, high = torch.cat(smooth, 1), torch.cat([x - each for each in smooth], 1)
        bands = zip((low, high), self.compress, self.operators, strict=True)
        return self.refine(self.join(torch.cat([chain(compress(band)) for band, compress, chain in bands], 1)))


class SelectiveKernel(nn.Module):
    """Weigh maps for each channel by a softmax over them (SKNet, CVPR 2019).

    Args:
        channels: C of each map.
        count: of maps.
    """

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        hidden = max(channels // REDUCTION, 1)
        self.squeeze = nn.Sequential(nn.Conv2d(channels, hidden, 1, bias=False), nn.PReLU())
        self.excite = nn.ModuleList(nn.Conv2d(hidden, channels, 1, bias=False) for _ in range(count))

    def forward(self, maps: Sequence[Float[Tensor, "b c h w"]]) -> Float[Tensor, "b c h w"]:
        """The weighted sum."""
        stacked = torch.stack(list(maps), 1)
        pooled = self.squeeze(stacked.sum(1).mean((2, 3), keepdim=True))
        weights = torch.stack([excite(pooled) for excite in self.excite], 1).softmax(1)
        return (weights * stacked).sum(1)


class EnhancedResidual(nn.Module):
    """x + (depthwise 5, 3, 3 of dilation 2, conv 1, batch norm, PReLU)."""

    radius = 8

    def __init__(self, channels: int) -> None:
        super().__init__()
        depthwise = (
            nn.Conv2d(channels, channels, size, padding=size - 1, dilation=2, groups=channels, bias=False)
            for size in (5, 3, 3)
        )
        self.body = nn.Sequential(
            *depthwise, nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.PReLU()
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return x + self.body(x)


CELLS: dict[str, type[CSC | CMS | CDC]] = {"csc": CSC, "cms": CMS, "cdc": CDC}
"""Every cell that a genotype can name."""


def build_cell(gene: CellGene, channels: int) -> CSC | CMS | CDC:
    """A cell of `CELLS` with the operators of its gene.

    Example:
        >>> build_cell(CellGene("csc", ("res_3", "dil_3")), 8)(torch.rand(1, 8, 16, 16)).shape
        torch.Size([1, 8, 16, 16])
    """
    return CELLS[gene.kind](channels, [OPERATORS[name] for name in gene.operators])


def reach(operators: nn.Module) -> int:
    """Pixels that an output pixel of a chain reaches to each side; 0 of what does not say its `radius`."""
    return sum(int(getattr(operator, "radius", 0)) for operator in operators.children())


def _enter(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))


def _chain(channels: int, operators: Sequence[MakeOperator]) -> nn.Sequential:
    return nn.Sequential(*(make(channels) for make in operators))
