"""Half and twice the size of feature maps, with a residual path: the steps between the scales of a CMS cell.

Blur-pool is Zhang, Making Convolutional Networks Shift-Invariant Again, ICML 2019; the steps are those of MIRNet
(Zamir et al., ECCV 2020), without biases. kornia's blur-pool pads with zeros, which darkens the border.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

BINOMIAL = (0.25, 0.5, 0.25)


class BlurPool(nn.Module):
    """Half the height and width, after a binomial filter of 3 x 3 with a mirrored border; sides of at least 2."""

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        row = torch.tensor(BINOMIAL)
        self.register_buffer("kernel", torch.outer(row, row).repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
        """Of C channels."""
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel, stride=2, groups=self.channels)


class Down(nn.Module):
    """Half the size, twice the channels: (conv 1, conv 3, blur-pool, conv 1) + (blur-pool, conv 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.PReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.PReLU(),
            BlurPool(channels),
            nn.Conv2d(channels, 2 * channels, 1, bias=False),
        )
        self.short = nn.Sequential(BlurPool(channels), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        """Of C channels, sides even."""
        return self.main(x) + self.short(x)


class Up(nn.Module):
    """Twice the size, half the channels: (conv 1, transposed conv 3, conv 1) + (bilinear, conv 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.PReLU(),
            nn.ConvTranspose2d(channels, channels, 3, stride=2, padding=1, output_padding=1, bias=False),
            nn.PReLU(),
            nn.Conv2d(channels, channels // 2, 1, bias=False),
        )
        self.short = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.Conv2d(channels, channels // 2, 1, bias=False),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        """Of an even number of channels."""
        return self.main(x) + self.short(x)
