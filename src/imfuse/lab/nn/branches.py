"""Two branches and how they meet: the object-level half of HAF, and TIM's enhancement network.

Each branch sees one source beside a first fused image. A mask of spatial attention on the first branch weighs the two
(Liu et al., ACM MM 2021 and TPAMI 2024); the medical networks concatenate them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.fusion_heads import Maps
from imfuse.lab.nn.genotype import CellGene
from imfuse.lab.nn.trunk import Trunk, conv3


class Joined(NamedTuple):
    """What two branches make.

    Attributes:
        fused: the fused image, not clipped.
        first: the image of the first branch, for training; in (-1, 1).
        second: the image of the second branch, for training; in (-1, 1).
    """

    fused: Float[Tensor, "b 1 h w"]
    first: Float[Tensor, "b 1 h w"]
    second: Float[Tensor, "b 1 h w"]


class Branch(nn.Module):
    """Features of a source beside a fused image, and an image of them: tanh(conv 3, PReLU, conv 3, conv 1).

    Args:
        cells: their genes.
        width: C of the features.
    """

    def __init__(self, cells: Sequence[CellGene], width: int) -> None:
        super().__init__()
        self.trunk = Trunk(cells, width, norm=True)
        self.image = Maps(width, 1, 1)

    def forward(
        self, source: Float[Tensor, "b 1 h w"], fused: Float[Tensor, "b 1 h w"]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b 1 h w"]]:
        """Features and image."""
        features = self.trunk(torch.cat([source, fused], 1))
        return features, torch.tanh(self.image(features))


class MaskedJoin(nn.Module):
    """Conv 3, conv 3, conv 1 of m f_A + (1 - m) f_B, with a mask m in (0, 1) made of f_A.

    m is the sigmoid of a conv 1 of the maximum of f_A over its channels, the same again, and their mean. Reading: the
    maximum stands twice, as the paper's sizes demand three channels.

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    radius = 2

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mask = nn.Conv2d(3, 1, 1, bias=False)
        self.head = nn.Sequential(conv3(width, width), conv3(width, width // 2), nn.Conv2d(width // 2, 1, 1))

    def forward(self, first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
        """The fused image, not clipped."""
        largest = first.amax(1, keepdim=True)
        mask = torch.sigmoid(self.mask(torch.cat([largest, largest, first.mean(1, keepdim=True)], 1)))
        return self.head(mask * first + (1 - mask) * second)


class ConcatenatedJoin(nn.Module):
    """tanh(conv 3, conv 3, conv 1) of both features.

    Attributes:
        radius: pixels that an output pixel reaches to each side.
    """

    radius = 2

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = nn.Sequential(conv3(2 * width, width), conv3(width, width // 2), nn.Conv2d(width // 2, 1, 1))

    def forward(self, first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
        """The fused image, in (-1, 1)."""
        return torch.tanh(self.head(torch.cat([first, second], 1)))


class TwoBranches(nn.Module):
    """Both branches and their join.

    Args:
        cells: genes of the cells of each branch, of the first source's and of the second's.
        width: C of the features.
        masked: whether a mask joins the branches, or a concatenation.

    Attributes:
        size_multiple: height and width of the images must be multiples of this.
        margin: receptive radius in pixels; None where a cell pools over the whole picture.
    """

    def __init__(self, cells: Sequence[Sequence[CellGene]], width: int, *, masked: bool = True) -> None:
        super().__init__()
        first, second = (Branch(genes, width) for genes in cells)
        self.first, self.second = first, second
        self.join = MaskedJoin(width) if masked else ConcatenatedJoin(width)
        trunks = (first.trunk, second.trunk)
        self.size_multiple = max(trunk.size_multiple for trunk in trunks)
        pools = any(trunk.pools for trunk in trunks)
        self.margin = None if pools else max(trunk.radius for trunk in trunks) + self.join.radius

    def forward(
        self, A: Float[Tensor, "b 1 h w"], B: Float[Tensor, "b 1 h w"], fused: Float[Tensor, "b 1 h w"]
    ) -> Joined:
        """Fuse two sources in [0, 1] once more, beside what was made of them."""
        (first, first_image), (second, second_image) = self.first(A, fused), self.second(B, fused)
        return Joined(self.join(first, second), first_image, second_image)
