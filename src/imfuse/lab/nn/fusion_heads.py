"""Output heads: from features, and the sources that they were made of, to the fused image."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.control_pyramid import ControlPyramid
from imfuse.lab.nn.pyramid_rule import PyramidRule
from imfuse.lab.nn.trunk import conv3

LEVELS = 5
REACH = {1: 279, 2: 269, 4: 251}
"""`radius` of the pyramid head by the resolution of its features: finer ones pass more layers."""


class DirectHead(nn.Module):
    """The image itself, of conv 3, PReLU, conv 3, conv 1, as in TIM; no activation at the end.

    Args:
        width: C of the features; half as many before the last convolution.
        resolution: pixels a side that one feature covers.

    Attributes:
        size_multiple: height and width of the sources must be multiples of this.
        radius: pixels from an output pixel to the nearest pixel of the farthest feature that it sees.
        keeps_equal: whether equal sources come back as they are.
    """

    keeps_equal = False

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        self.size_multiple = resolution
        self.maps = Maps(width, 1, resolution)
        self.radius = self.maps.radius

    def forward(
        self, features: Float[Tensor, "b c h2 w2"], _sources: Float[Tensor, "b 2 h w"]
    ) -> Float[Tensor, "b 1 h w"]:
        """The fused image, not clipped."""
        return self.maps(features)


class BlendHead(nn.Module):
    """A weight map m and a residual r: B + sigmoid(m) (A - B) + tanh(r) |A - B|.

    Attributes:
        size_multiple: height and width of the sources must be multiples of this.
        radius: pixels from an output pixel to the nearest pixel of the farthest feature that it sees.
        keeps_equal: whether equal sources come back as they are.
    """

    keeps_equal = True

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        self.size_multiple = resolution
        self.maps = Maps(width, 2, resolution)
        self.radius = self.maps.radius

    def forward(
        self, features: Float[Tensor, "b c h2 w2"], sources: Float[Tensor, "b 2 h w"]
    ) -> Float[Tensor, "b 1 h w"]:
        """The fused image, not clipped."""
        weight, residual = self.maps(features).split(1, 1)
        difference = sources[:, :1] - sources[:, 1:]
        return sources[:, 1:] + torch.sigmoid(weight) * difference + torch.tanh(residual) * difference.abs()


class PyramidHead(nn.Module):
    """The learned pyramid of `imfuse.lab.models.LearnedPyramid`, with controls made of the features.

    Attributes:
        size_multiple: height and width of the sources must be multiples of this.
        radius: pixels from an output pixel to the nearest pixel of the farthest feature that it sees.
        keeps_equal: whether equal sources come back as they are.
    """

    keeps_equal = True

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        self.size_multiple = 2**LEVELS
        self.radius = REACH[resolution]
        self.controls = ControlPyramid(LEVELS, width, finest=round(math.log2(resolution)))
        self.rule = PyramidRule(LEVELS)

    def forward(
        self, features: Float[Tensor, "b c h2 w2"], sources: Float[Tensor, "b 2 h w"]
    ) -> Float[Tensor, "b 1 h w"]:
        """The fused image, not clipped."""
        return self.rule.join(sources, self.controls(features))


class Maps(nn.Module):
    """Maps of the sources' size: at full resolution of conv 3, PReLU, conv 3, conv 1, as in TIM.

    Below it of conv 3, ReLU, conv 1 and a pixel shuffle.

    Args:
        width: C of the features.
        count: of maps.
        resolution: pixels a side that one feature covers.

    Attributes:
        radius: features that a map's pixel reaches to each side, in pixels.
    """

    def __init__(self, width: int, count: int, resolution: int) -> None:
        super().__init__()
        self.resolution = resolution
        if resolution == 1:
            self.radius = 2
            layers = [conv3(width, width), nn.PReLU(), conv3(width, width // 2), nn.Conv2d(width // 2, count, 1)]
        else:
            self.radius = resolution
            layers = [conv3(width, width), nn.ReLU(), nn.Conv2d(width, count * resolution**2, 1)]
        self.body = nn.Sequential(*layers)

    def forward(self, features: Float[Tensor, "b c h2 w2"]) -> Float[Tensor, "b n h w"]:
        """The maps."""
        maps = self.body(features)
        return F.pixel_shuffle(maps, self.resolution) if self.resolution > 1 else maps


FUSION_HEADS: dict[str, type[DirectHead | BlendHead | PyramidHead]] = {
    "direct": DirectHead,
    "blend": BlendHead,
    "pyramid": PyramidHead,
}
"""Every head that a genotype can name."""
