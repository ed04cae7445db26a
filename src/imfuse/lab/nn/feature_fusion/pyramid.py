"""Feature pyramid: meaning of the coarse levels brought down to the fine ones (FPN, Lin et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion.registry import Fuse, build_fuse


class FPN(nn.Module):
    """P_k = conv3(Q_k), Q_k = fuse(conv1(X_k), Q_{k+1}) from the coarsest level down, then a prediction a level.

    With `fuse="add"` and no predictor it computes what torchvision's `FeaturePyramidNetwork` does.

    Args:
        channels: of each level, finest first.
        out_channels: of every level of the pyramid.
        fuse: the joins, as in `build_fuse`; each has its own weights and raises the coarser map itself.
        predictor: is called on every level with the same weights, as detectors do; None returns the maps.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(FPN((32, 64), 64), (1, 32, 32, 32), (1, 64, 16, 16)))
        80,128 parameters, 50,331,648 MACs
    """

    def __init__(
        self,
        channels: Sequence[int],
        out_channels: int,
        *,
        fuse: Fuse = "add",
        predictor: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(each, out_channels, 1) for each in channels)
        self.joins = nn.ModuleList(build_fuse(fuse, out_channels) for _ in channels[1:])
        self.output = nn.ModuleList(nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in channels)
        self.predictor = predictor or nn.Identity()

    def forward(self, *maps: Float[Tensor, "b _c _h _w"]) -> list[Tensor]:
        """The predictions of the levels, or the maps `(b, out_channels, h_k, w_k)`, finest first.

        Raises:
            ValueError: other than one map for each level.
        """
        if len(maps) != len(self.lateral):
            raise ValueError(f"{len(maps)} maps: expected {len(self.lateral)}, one for each level, finest first")
        *finer, upper = [lateral(level) for lateral, level in zip(self.lateral, maps, strict=True)]
        joined = [upper]
        for level, join in zip(reversed(finer), reversed(self.joins), strict=True):
            joined.append(join(level, joined[-1]))
        return [self.predictor(out(level)) for out, level in zip(self.output, reversed(joined), strict=True)]
