"""Early fusion: several layers as one map, on which one prediction is made (ION, Bell et al. 2016; HyperNet, 2016)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion.sizes import Mode, check_mode, resize

EPSILON = 1e-3


class EarlyFusion(nn.Module):
    """Z = conv1(cat over layers of resize(norm(X_k))), and then the prediction, once.

    Layers differ in scale by orders of magnitude; without the normalisation the largest would drown the others.

    Args:
        channels: of each layer, finest first.
        out_channels: of the joined map.
        predictor: is called once on the joined map; None returns the map.
        level: the layer whose size the result has: 0 is the finest; HyperNet takes one in the middle.
        mode: how coarser layers are raised to that size; finer ones are averaged over areas.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(EarlyFusion((32, 64), 64), (1, 32, 32, 32), (1, 64, 16, 16)))
        6,304 parameters, 6,291,456 MACs
    """

    def __init__(
        self,
        channels: Sequence[int],
        out_channels: int,
        *,
        predictor: nn.Module | None = None,
        level: int = 0,
        mode: Mode = "bilinear",
    ) -> None:
        super().__init__()
        if not 0 <= level < len(channels):
            raise ValueError(f"level {level}: expected 0 to {len(channels) - 1}, one of the {len(channels)} layers")
        self.level = level
        self.mode: Mode = check_mode(mode)
        self.norms = nn.ModuleList(L2Norm(each) for each in channels)
        self.project = nn.Conv2d(sum(channels), out_channels, 1)
        self.predictor = predictor or nn.Identity()

    def forward(self, *maps: Float[Tensor, "b _c _h _w"]) -> Tensor:
        """The prediction, or the joined map `(b, out_channels, h, w)`.

        Raises:
            ValueError: other than one map for each layer, or a map of other channels than its layer's.
        """
        if len(maps) != len(self.norms):
            raise ValueError(f"{len(maps)} maps: expected {len(self.norms)}, one for each layer, finest first")
        size = maps[self.level].shape[-2:]
        parts = [_at(norm(layer), size, self.mode) for norm, layer in zip(self.norms, maps, strict=True)]
        return self.predictor(self.project(torch.cat(parts, dim=1)))


class L2Norm(nn.Module):
    """x / |x| at each position, times a learned scale a channel (ParseNet, Liu, Rabinovich and Berg 2015).

    The scale begins at sqrt(channels), where the entries have a root mean square of 1. The length is smoothed by 1e-3,
    which keeps the gradient finite at positions that are all 0.

    Args:
        channels: of the map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels, 1, 1), math.sqrt(channels)))

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out.

        Raises:
            ValueError: other channels.
        """
        if maps.shape[1] != len(self.scale):  # one channel would silently be broadcast to all
            raise ValueError(f"a map of shape {tuple(maps.shape)}: expected {len(self.scale)} channels")
        wide = maps.to(torch.promote_types(maps.dtype, torch.float32))  # squares of half-precision features overflow
        length = (wide.square().sum(1, keepdim=True) + EPSILON**2).sqrt()
        return (wide / length).to(maps.dtype) * self.scale


def _at(layer: Tensor, size: Sequence[int], mode: Mode) -> Tensor:
    if layer.shape[-2] > size[-2] or layer.shape[-1] > size[-1]:
        return F.adaptive_avg_pool2d(layer, (size[-2], size[-1]))
    return resize(layer, size, mode)
