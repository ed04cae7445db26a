"""Joins that weigh nothing: the sum, the concatenation, and the classical parallel (complex) combination."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion.sizes import Mode, at_size_of_first, check_mode

Output = Literal["modulus", "stacked"]
EPSILON = 1e-6


class Add(nn.Module):
    """Z = X + Y: the sum of two or more maps.

    Args:
        channels: of every map.
        mode: how a coarser map is raised to the first's size.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(Add(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        0 parameters, 0 MACs
    """

    def __init__(self, channels: int, *, mode: Mode = "nearest") -> None:
        super().__init__()
        self.channels = channels
        self.mode: Mode = check_mode(mode)

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The sum at the first map's size.

        Raises:
            ValueError: one map only, or maps that do not go together.
        """
        total, *others = at_size_of_first(maps, self.channels, self.mode)
        for other in others:
            total = total + other
        return total


class Concat(nn.Module):
    """Z = conv1(cat(X, Y)): all channels side by side, then a 1x1 convolution back to `channels`.

    Args:
        channels: of every map.
        count: how many maps are joined, two or more.
        project: False leaves the convolution out: the result has `count * channels` channels.
        mode: how a coarser map is raised to the first's size.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(Concat(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        8,256 parameters, 8,388,608 MACs
    """

    def __init__(self, channels: int, *, count: int = 2, project: bool = True, mode: Mode = "nearest") -> None:
        super().__init__()
        self.channels = channels
        self.count = count
        self.mode: Mode = check_mode(mode)
        self.project = nn.Conv2d(count * channels, channels, 1) if project else nn.Identity()

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c2 h w"]:
        """The joined maps at the first map's size.

        Raises:
            ValueError: other than `count` maps, or maps that do not go together.
        """
        if len(maps) != self.count:
            raise ValueError(f"Concat joins {self.count} maps, not {len(maps)}: make it with count={len(maps)}")
        return self.project(torch.cat(at_size_of_first(maps, self.channels, self.mode, self.count), dim=1))


class ParallelAdd(nn.Module):
    """Z = X + iY: the parallel strategy of classical feature fusion (Yang et al. 2003).

    Args:
        channels: of every map.
        output: `modulus` gives |Z| = sqrt(X^2 + Y^2), of `channels` channels, without the signs of X and Y.
            `stacked` gives the real parts, then the imaginary ones: `2 * channels` channels, unlike other blocks.
        mode: how a coarser map is raised to the first's size.

    More than two maps are the components of a vector: its length, or all of them stacked.
    The modulus is smoothed, sqrt(X^2 + Y^2 + e^2) - e with e = 1e-6, so that its gradient at 0 is 0.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(ParallelAdd(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        0 parameters, 0 MACs
    """

    def __init__(self, channels: int, *, output: Output = "modulus", mode: Mode = "nearest") -> None:
        super().__init__()
        if output not in ("modulus", "stacked"):
            raise ValueError(f"output {output!r}: expected modulus or stacked")
        self.channels = channels
        self.output: Output = output
        self.mode: Mode = check_mode(mode)

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c2 h w"]:
        """The joined maps at the first map's size.

        Raises:
            ValueError: one map only, or maps that do not go together.
        """
        parts = at_size_of_first(maps, self.channels, self.mode)
        if self.output == "stacked":
            return torch.cat(parts, dim=1)
        # Squares of half-precision features overflow beyond 255.
        wide = [part.to(torch.promote_types(part.dtype, torch.float32)) for part in parts]
        square = torch.stack(wide).square().sum(0)
        return ((square + EPSILON**2).sqrt() - EPSILON).to(parts[0].dtype)
