"""Late fusion: a prediction at each level, then the predictions are joined (SSD, Liu et al. 2016; MS-CNN, 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion.sizes import Mode, check_mode, resize

Predictions = Literal["concat", "mean"]


class LateFusion(nn.Module):
    """A predictor of its own for each level.

    Args:
        predictors: one a level, each from that level's map to `(b, p, h_k, w_k)`.
        join: `concat` lists the predictions of all positions and levels, `(b, sum of h_k w_k a, v)`: boxes of
            detectors, where each level answers for objects of its size. `mean` raises the predictions to the first
            level's size and averages them, `(b, p, h, w)`: logits of classes at each pixel.
        values: v, how many of the p values belong to one anchor (p = a v, an anchor's values lie together); None: all.
        mode: how `mean` raises predictions.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> levels = [nn.Conv2d(channels, 3 * 6, 1) for channels in (32, 64)]
        >>> block = LateFusion(levels, values=6)
        >>> block(torch.rand(1, 32, 32, 32), torch.rand(1, 64, 16, 16)).shape
        torch.Size([1, 3840, 6])
        >>> print(cost(block, (1, 32, 32, 32), (1, 64, 16, 16)))
        1,764 parameters, 884,736 MACs
    """

    def __init__(
        self,
        predictors: Sequence[nn.Module],
        *,
        join: Predictions = "concat",
        values: int | None = None,
        mode: Mode = "bilinear",
    ) -> None:
        super().__init__()
        if join not in ("concat", "mean"):
            raise ValueError(f"join {join!r}: expected concat or mean")
        self.predictors = nn.ModuleList(predictors)
        self.join: Predictions = join
        self.values = values
        self.mode: Mode = check_mode(mode)

    def forward(self, *maps: Float[Tensor, "b _c _h _w"]) -> Tensor:
        """The joined predictions.

        Raises:
            ValueError: other than one map for each predictor, or predictions that `values` does not divide.
        """
        if len(maps) != len(self.predictors):
            raise ValueError(f"{len(maps)} maps: expected {len(self.predictors)}, one for each predictor, finest first")
        predictions = [predict(level) for predict, level in zip(self.predictors, maps, strict=True)]
        if self.join == "concat":
            return torch.cat([self._listed(prediction) for prediction in predictions], dim=1)
        size = predictions[0].shape[-2:]
        return torch.stack([resize(prediction, size, self.mode) for prediction in predictions]).mean(0)

    def _listed(self, prediction: Float[Tensor, "b p h w"]) -> Float[Tensor, "b n v"]:
        values = self.values or prediction.shape[1]
        if prediction.shape[1] % values:
            raise ValueError(
                f"a predictor gives {prediction.shape[1]} values a position: expected a multiple of {values}"
            )
        return prediction.permute(0, 2, 3, 1).reshape(prediction.shape[0], -1, values)
