"""From features to the controls of a learned pyramid: for each level, a preference and a log gain."""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion import Fuse, build_fuse
from imfuse.lab.nn.pyramid import expand


class ControlPyramid(nn.Module):
    """Convolutional encoder and decoder from the size of the features down to that of the pyramid's base.

    All controls are zero at the start. Levels finer than the features have controls at the features' size.

    Args:
        levels: band-pass levels of the pyramid.
        width: channels of the features; wider below.
        fuse: how features of one size are joined with those from below, as in `build_fuse`.
        finest: the features are `2 ** finest` times smaller than the image; at most `levels`.
        stem: what makes the features of the input, if that is none.
    """

    def __init__(
        self, levels: int, width: int, fuse: Fuse = "add", finest: int = 2, stem: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.stem = nn.Identity() if stem is None else stem
        widths = [width * (i + 1) for i in range(levels - finest + 1)]
        self.finest = finest
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1, padding_mode="replicate") for a, b in pairwise(widths)
        )
        self.body = nn.ModuleList(Residual(w) for w in widths[1:])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.joins = nn.ModuleList(build_fuse(fuse, w) for w in widths[:-1])
        self.refine = nn.ModuleList(Residual(w) for w in widths[1:-1])
        self.smooth = nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate")
        outputs = [2 * (finest + 1), *(2 for _ in widths[1:])]
        self.heads = nn.ModuleList(nn.Conv2d(w, o, 1) for w, o in zip(widths, outputs, strict=True))
        for parameter in self.heads.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Float[Tensor, "b 2 h2 w2"]]:
        """Controls of each level, finest first and the base last."""
        features = [self.stem(x)]
        for down, body in zip(self.down, self.body, strict=True):
            features.append(body(F.relu(down(features[-1]))))
        maps = [self.heads[-1](features[-1])]
        lower = features[-1]
        for i in reversed(range(len(self.up))):
            lower = F.relu(self.joins[i](features[i], expand(self.up[i](lower))))
            lower = self.refine[i - 1](lower) if i > 0 else F.relu(self.smooth(lower))
            maps.append(self.heads[i](lower))
        fine, *coarser = reversed(maps)
        return [*fine.chunk(self.finest + 1, dim=1), *coarser]


class Residual(nn.Module):
    """x + conv3(relu(conv3(x))), then relu."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate")
        self.second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out."""
        return F.relu(x + self.second(F.relu(self.first(x))))
