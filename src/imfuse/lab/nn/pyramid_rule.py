"""The rule of the learned pyramid: join the bands of sources by their activity, as controls correct it.

Bands of the sources are joined by the ratio of their local activity, as classical pyramid fusion does (Burt and
Kolczynski, ICCV 1993). Per level and pixel, controls shift the choice between the sources (`preference`) and scale the
joined band where the sources differ (`gain`). The base is a weighted mean of the bases. Equal sources come back as
they are, whatever the controls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.pyramid import expand, laplacian_pyramid, reduce

NOISE_FLOOR = 1 / 255


class PyramidRule(nn.Module):
    """Joins sources under controls of each level.

    Args:
        levels: band-pass levels; the base is `2 ** levels` times smaller than the image.
        symmetric: False for two sources whose order matters; True for two or more of one kind in any order.
        gain_limit: largest factor by which a band may be raised or lowered.
        base_sharpness: how far the base follows the brighter source before training; 0 begins with the average.
    """

    def __init__(
        self, levels: int = 5, symmetric: bool = False, gain_limit: float = 2.0, base_sharpness: float = 4.0
    ) -> None:
        super().__init__()
        self.levels = levels
        self.symmetric = symmetric
        self.log_gain_limit = math.log(gain_limit)
        self.sharpness = nn.Parameter(torch.full((levels,), 2.0))
        self.log_floor = nn.Parameter(torch.full((levels,), math.log(NOISE_FLOOR)))
        self.base_sharpness = nn.Parameter(torch.tensor(base_sharpness))

    def join(self, sources: Float[Tensor, "b n h w"], controls: Sequence[Tensor]) -> Float[Tensor, "b 1 h w"]:
        """Fuse sources whose sides are multiples of `2 ** levels`; the result is not clipped.

        Args:
            sources: in [0, 1].
            controls: of each level, finest first and the base last: preferences and one log gain, `(b, 2, h2, w2)`;
                `(b, n + 1, h2, w2)` if symmetric.
        """
        bands, base = laplacian_pyramid(sources, self.levels)
        fused = self._join_base(base, controls[self.levels])
        for level in reversed(range(self.levels)):
            fused = expand(fused) + self._join_band(bands[level], controls[level], level)
        return fused

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


def _resize(maps: Tensor, like: Tensor) -> Tensor:
    """Bilinear to the height and width of `like`."""
    if maps.shape[-1] == like.shape[-1] and maps.shape[-2] == like.shape[-2]:
        return maps
    return F.interpolate(maps, size=like.shape[-2:], mode="bilinear", align_corners=False)
