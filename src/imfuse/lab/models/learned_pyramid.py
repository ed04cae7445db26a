"""Learned pyramid: a Laplacian pyramid whose weights and gains come from a small convolutional network.

Bands of the sources are joined by the ratio of their local activity, as classical pyramid fusion does, and a network
that sees both sources at several scales corrects it: per level and pixel it shifts the choice between the sources
(`preference`), and scales the joined band where the sources differ (`gain`). The base is a weighted mean of the bases.
With an untrained network the result is the classical pyramid; what is learned is where that rule fails: noise, glare,
veils, polarity conflicts. Equal sources come back as they are.

Everything that is dense runs at a quarter of the resolution or below; at full resolution there are a few element-wise
operations. Origin: this project; the classical rule is Burt and Kolczynski, ICCV 1993.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.control_pyramid import ControlPyramid
from imfuse.lab.nn.feature_fusion import Fuse, pooling_blocks
from imfuse.lab.nn.pyramid_rule import PyramidRule

MARGIN_IN_BASE_PIXELS = 8


class LearnedPyramid(PyramidRule):
    """Fuse sources by a Laplacian pyramid with predicted preferences and gains.

    Args:
        levels: band-pass levels; the base is `2 ** levels` times smaller than the image.
        width: channels of the network at a quarter of the resolution; wider below.
        symmetric: False for two sources whose order matters (infrared, visible); True for two or more sources of one
            kind in any order (focus, exposure), which share the network's weights.
        gain_limit: largest factor by which a band may be raised or lowered.
        base_sharpness: how far the base follows the brighter source before training; 0 begins with the average.
        fuse: how the network joins its encoder's features with those from below, as in `build_fuse`: a name of `FUSE`
            (`add`, `concat`, `aff`, ...), a block or a maker of blocks. Every join has weights of its own. A block
            that pools over the whole map (`se`, `ms_cam`, `aff`, `iaff`, `soft_channel`) takes the margin away: what
            it makes of a tile is not what it makes of the picture, so large pictures are fused whole, which takes
            memory in proportion to their size.

    Attributes:
        size_multiple: height and width must be multiples of this.
        margin: receptive radius in pixels; None where `fuse` pools over the whole map.
        keeps_equal: equal sources come back as they are.

    Example:
        >>> network = LearnedPyramid()
        >>> network(torch.rand(1, 2, 64, 96)).shape
        torch.Size([1, 1, 64, 96])
    """

    keeps_equal = True

    def __init__(
        self,
        levels: int = 5,
        width: int = 16,
        symmetric: bool = False,
        gain_limit: float = 2.0,
        base_sharpness: float = 4.0,
        *,
        fuse: Fuse = "add",
    ) -> None:
        super().__init__(levels, symmetric, gain_limit, base_sharpness)
        self.size_multiple = 2**levels
        self.context = ContextNetwork(levels, width, fuse)
        self.margin = None if pooling_blocks(self.context) else MARGIN_IN_BASE_PIXELS * 2**levels

    def forward(self, sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b 1 h w"]:
        """Fuse sources in [0, 1] whose sides are multiples of `size_multiple`; the result is not clipped."""
        return self.join(sources, self._controls_of_each(sources) if self.symmetric else self.context(sources))

    def _controls_of_each(self, sources: Float[Tensor, "b n h w"]) -> list[Tensor]:
        """Run the network on every source beside the mean of all: n preferences and one gain a level."""
        batch, count, height, width = sources.shape
        mean = sources.mean(1, keepdim=True).expand_as(sources)
        beside = torch.stack([sources, mean], dim=2).reshape(batch * count, 2, height, width)
        controls = [maps.reshape(batch, count, 2, *maps.shape[2:]) for maps in self.context(beside)]
        return [torch.cat([maps[:, :, 0], maps[:, :, 1].mean(1, keepdim=True)], dim=1) for maps in controls]


class ContextNetwork(ControlPyramid):
    """Convolutional encoder and decoder from a quarter of the resolution down to that of the base.

    Sees two images and returns for each level, finest first and the base last, two maps: preference for the first,
    and log gain. Levels 0 to 2 have the features of a quarter of the resolution. All maps are zero at the start.
    """

    def __init__(self, levels: int, width: int, fuse: Fuse = "add") -> None:
        super().__init__(levels, width, fuse, stem=ImageStem(width))


class ImageStem(nn.Conv2d):
    """Two images in [0, 1] to features of a quarter of their size."""

    def __init__(self, width: int) -> None:
        super().__init__(2, width, 8, stride=4, padding=2)

    def forward(self, input: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b c h2 w2"]:  # noqa: A002 (PyTorch's name)
        """The features, from 0 up."""
        return F.relu(super().forward(input * 2 - 1))
