"""Attentional feature fusion: a choice between two maps per channel and position (Dai et al. 2021, equations 4, 5)."""

from __future__ import annotations

from functools import reduce

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion.ms_cam import REDUCTION, MultiScaleContext
from imfuse.lab.nn.feature_fusion.sizes import Mode, at_size_of_first, check_mode


class AFF(nn.Module):
    """Z = M X + (1 - M) Y with M = sigmoid(L(X + Y) + g(X + Y)), L and g as in `MSCAM`.

    More than two maps are joined from the left by the same weights: AFF(AFF(X, Y), W).

    Args:
        channels: of every map.
        reduction: r of L and g.
        scale: factor of the result. 1.0 is the paper's: with equal weights the mean of X and Y. 2.0 is that of the
            authors' code: with equal weights X + Y, so that the block can take a sum's place.
        mode: how a coarser map is raised to the first's size.

    Attributes:
        pools_globally: every position depends on the whole map.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(AFF(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        4,576 parameters, 2,099,200 MACs
    """

    pools_globally = True

    def __init__(
        self, channels: int, *, reduction: int = REDUCTION, scale: float = 1.0, mode: Mode = "nearest"
    ) -> None:
        super().__init__()
        self.channels = channels
        self.scale = scale
        self.mode: Mode = check_mode(mode)
        self.context = MultiScaleContext(channels, reduction, block="AFF")

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The joined maps at the first map's size.

        Raises:
            TrainingError: batch of one in training.
            ValueError: one map only, or maps that do not go together.
        """
        return reduce(self._join, at_size_of_first(maps, self.channels, self.mode))

    def _join(self, x: Tensor, y: Tensor) -> Tensor:
        return self.scale * blend(self.context(x + y).sigmoid(), x, y)


class IterativeAFF(nn.Module):
    """iAFF: Z = M2 X + (1 - M2) Y, where M2 looks at X' = M1 X + (1 - M1) Y instead of at X + Y.

    M1 = sigmoid(L1(X + Y) + g1(X + Y)) and M2 = sigmoid(L2(X') + g2(X')): two attentions that share no weights, nor
    their statistics. More than two maps are joined from the left by the same weights.

    Args:
        channels: of every map.
        reduction: r of both attentions.
        scale: factor of X' and of the result: 1.0 is the paper's, 2.0 keeps the scale of X + Y, as in `AFF`.
        mode: how a coarser map is raised to the first's size.

    Attributes:
        pools_globally: every position depends on the whole map.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(IterativeAFF(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        9,152 parameters, 4,198,400 MACs
    """

    pools_globally = True

    def __init__(
        self, channels: int, *, reduction: int = REDUCTION, scale: float = 1.0, mode: Mode = "nearest"
    ) -> None:
        super().__init__()
        self.channels = channels
        self.scale = scale
        self.mode: Mode = check_mode(mode)
        self.first = MultiScaleContext(channels, reduction, block="IterativeAFF")
        self.second = MultiScaleContext(channels, reduction, block="IterativeAFF")

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The joined maps at the first map's size.

        Raises:
            TrainingError: batch of one in training.
            ValueError: one map only, or maps that do not go together.
        """
        return reduce(self._join, at_size_of_first(maps, self.channels, self.mode))

    def _join(self, x: Tensor, y: Tensor) -> Tensor:
        initial = self.scale * blend(self.first(x + y).sigmoid(), x, y)
        return self.scale * blend(self.second(initial).sigmoid(), x, y)


def blend(weight: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """M X + (1 - M) Y."""
    return weight * x + (1 - weight) * y
