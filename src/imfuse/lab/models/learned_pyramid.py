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

import math
import warnings
from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion import Fuse, build_fuse, pooling_blocks
from imfuse.lab.nn.pyramid import expand, laplacian_pyramid, reduce

NOISE_FLOOR = 1 / 255


class LearnedPyramid(nn.Module):
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
            that pools over the whole map (`se`, `ms_cam`, `aff`, `iaff`, `soft_channel`) can be trained and called,
            but not exported: what it makes of a tile is not what it makes of the picture.

    Attributes:
        size_multiple: height and width must be multiples of this.
        margin: receptive radius in pixels; not that of blocks that pool over the whole map.

    Warns:
        RuntimeWarning: `fuse` pools over the whole map.

    Example:
        >>> network = LearnedPyramid()
        >>> network(torch.rand(1, 2, 64, 96)).shape
        torch.Size([1, 1, 64, 96])
    """

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
        super().__init__()
        self.levels = levels
        self.symmetric = symmetric
        self.size_multiple = 2**levels
        self.margin = MARGIN_IN_BASE_PIXELS * 2**levels
        self.log_gain_limit = math.log(gain_limit)
        self.context = ContextNetwork(levels, width, fuse)
        if pooling := pooling_blocks(self.context):
            warnings.warn(
                f"fuse: {', '.join(pooling)} pools over the whole picture: the network can be trained and called, but "
                "not exported",
                RuntimeWarning,
                stacklevel=2,
            )
        self.sharpness = nn.Parameter(torch.full((levels,), 2.0))
        self.log_floor = nn.Parameter(torch.full((levels,), math.log(NOISE_FLOOR)))
        self.base_sharpness = nn.Parameter(torch.tensor(base_sharpness))

    def forward(self, sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b 1 h w"]:
        """Fuse sources in [0, 1] whose sides are multiples of `size_multiple`; the result is not clipped."""
        bands, base = laplacian_pyramid(sources, self.levels)
        controls = self._controls_of_each(sources) if self.symmetric else self.context(sources)
        fused = self._join_base(base, controls[self.levels])
        for level in reversed(range(self.levels)):
            fused = expand(fused) + self._join_band(bands[level], controls[level], level)
        return fused

    def _controls_of_each(self, sources: Float[Tensor, "b n h w"]) -> list[Tensor]:
        """Run the network on every source beside the mean of all: n preferences and one gain a level."""
        batch, count, height, width = sources.shape
        mean = sources.mean(1, keepdim=True).expand_as(sources)
        beside = torch.stack([sources, mean], dim=2).reshape(batch * count, 2, height, width)
        controls = [maps.reshape(batch, count, 2, *maps.shape[2:]) for maps in self.context(beside)]
        return [torch.cat([maps[:, :, 0], maps[:, :, 1].mean(1, keepdim=True)], dim=1) for maps in controls]

    def _join_band(self, band: Tensor, control: Tensor, level: int) -> Tensor:
        """Weight the sources' bands by the ratio of their activity; `control` is preference and log gain."""
        preference, log_gain = control[:, :-1], control[:, -1:]
        floor = torch.exp(self.log_floor[level])
        activity = _smooth(band.abs(), level) + floor
        difference = _smooth(self._spread(band), level) / activity.sum(1, keepdim=True)
        log_gain = self.log_gain_limit * torch.tanh(_resize(log_gain, activity))
        gain = torch.exp(log_gain * difference)  # equal sources come back as they are
        weight = self._weigh(torch.log, activity, self.sharpness[level], _resize(preference, activity))
        if level == 0:
            weight, gain = expand(weight), expand(gain)
        return gain * _blend(weight, band)

    def _spread(self, band: Tensor) -> Tensor:
        """How far the sources lie apart at each pixel."""
        if self.symmetric:
            return band.amax(1, keepdim=True) - band.amin(1, keepdim=True)
        return (band[:, :1] - band[:, 1:]).abs()

    def _join_base(self, base: Tensor, control: Tensor) -> Tensor:
        """Weight the sources' bases by brightness and preference: never darker or brighter than both of them."""
        return _blend(self._weigh(lambda brightness: brightness, base, self.base_sharpness, control[:, :-1]), base)

    def _weigh(
        self, measure: Callable[[Tensor], Tensor], value: Tensor, sharpness: Tensor, preference: Tensor
    ) -> Tensor:
        """Weight of the first of two ordered sources, or of each of n symmetric ones."""
        score = sharpness * measure(value)
        if not self.symmetric:
            return torch.sigmoid(score[:, :1] - score[:, 1:] + preference)
        score = torch.exp(score + preference - (score + preference).amax(1, keepdim=True))
        return score / score.sum(1, keepdim=True)


def _blend(weight: Tensor, values: Tensor) -> Tensor:
    """Weighted sum over the sources; one weight for two sources is that of the first."""
    if weight.shape[1] == 1:
        return values[:, 1:] + weight * (values[:, :1] - values[:, 1:])
    return (weight * values).sum(1, keepdim=True)


def _smooth(values: Tensor, level: int) -> Tensor:
    """Mean of the neighbours; the finest level at half resolution: four times fewer pixels, the same picture."""
    return F.avg_pool2d(reduce(values) if level == 0 else values, 3, 1, 1, count_include_pad=False)


MARGIN_IN_BASE_PIXELS = 8


class ContextNetwork(nn.Module):
    """Convolutional encoder and decoder from a quarter of the resolution down to that of the base.

    Sees two images and returns for each level, finest first and the base last, two maps: preference for the first,
    and log gain. Levels 0 to 2 have the features of a quarter of the resolution. All maps are zero at the start.
    """

    def __init__(self, levels: int, width: int, fuse: Fuse = "add") -> None:
        super().__init__()
        widths = [width * (i + 1) for i in range(levels - 1)]
        self.stem = nn.Conv2d(2, width, 8, stride=4, padding=2)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1, padding_mode="replicate") for a, b in pairwise(widths)
        )
        self.body = nn.ModuleList(Residual(w) for w in widths[1:])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.joins = nn.ModuleList(build_fuse(fuse, w) for w in widths[:-1])
        self.refine = nn.ModuleList(Residual(w) for w in widths[1:-1])
        self.smooth = nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate")
        outputs = [2 * 3, *(2 for _ in widths[1:])]
        self.heads = nn.ModuleList(nn.Conv2d(w, o, 1) for w, o in zip(widths, outputs, strict=True))
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def forward(self, images: Float[Tensor, "b 2 h w"]) -> list[Float[Tensor, "b 2 h2 w2"]]:
        """Maps of each level, finest first."""
        features = [F.relu(self.stem(images * 2 - 1))]
        for down, body in zip(self.down, self.body, strict=True):
            features.append(body(F.relu(down(features[-1]))))
        maps = [self.heads[-1](features[-1])]
        lower = features[-1]
        for i in reversed(range(len(self.up))):
            lower = F.relu(self.joins[i](features[i], expand(self.up[i](lower))))
            lower = self.refine[i - 1](lower) if i > 0 else F.relu(self.smooth(lower))
            maps.append(self.heads[i](lower))
        finest, *coarser = reversed(maps)
        return [*finest.chunk(3, dim=1), *coarser]


class Residual(nn.Module):
    """x + conv3(relu(conv3(x))), then relu."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate")
        self.second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return F.relu(x + self.second(F.relu(self.first(x))))


def _resize(maps: Tensor, like: Tensor) -> Tensor:
    """Bilinear to the height and width of `like`, which is a power of two larger or equal."""
    if maps.shape[-1] == like.shape[-1] and maps.shape[-2] == like.shape[-2]:
        return maps
    return F.interpolate(maps, size=like.shape[-2:], mode="bilinear", align_corners=False)
