"""A trunk: from images to features, by a stem and cells, at the resolution and width of a genotype."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.cells import build_cell
from imfuse.lab.nn.feature_fusion import pooling_blocks
from imfuse.lab.nn.genotype import CellGene

SMALLEST_SIDE = 2
"""Of features, for convolutions with a mirrored border."""


class Trunk(nn.Module):
    """Stem and cells.

    Args:
        cells: their genes.
        width: C of the features.
        resolution: pixels a side that one feature covers.
        images: how many are seen at once.
        norm: whether the stem has a batch norm.

    Attributes:
        size_multiple: height and width of the images must be multiples of this.
        radius: pixels that a feature reaches to each side, but for what `pools_globally`.
        pools: whether a cell pools over the whole picture.
    """

    def __init__(
        self, cells: Sequence[CellGene], width: int, resolution: int = 1, *, images: int = 2, norm: bool = False
    ) -> None:
        super().__init__()
        self.stem = Stem(images, width, resolution, norm=norm)
        built = [build_cell(cell, width) for cell in cells]
        self.cells = nn.Sequential(*built)
        self.size_multiple = resolution * max([SMALLEST_SIDE, *(cell.size_multiple for cell in built)])
        self.radius = resolution * sum(cell.radius for cell in built) + self.stem.radius + resolution - 1
        self.pools = bool(pooling_blocks(self.cells))

    def forward(self, images: Float[Tensor, "b n h w"]) -> Float[Tensor, "b c h2 w2"]:
        """Features of `(h / resolution, w / resolution)`."""
        return self.cells(self.stem(images))


class Stem(nn.Module):
    """Features of images: at full resolution conv 3 to 2 C channels, PReLU, conv 3 to C channels, PReLU, as in TIM.

    Below it one convolution whose squares overlap by half, and ReLU. That is a pixel-unshuffle and a convolution in
    one; apart, with PReLU, they take four to seven times as long in ONNX Runtime, as long as the cells.

    Args:
        images: how many.
        width: C.
        resolution: pixels a side that one feature covers.
        norm: with a batch norm before the last activation.

    Attributes:
        radius: pixels that a feature reaches to each side of those that it covers.
    """

    def __init__(self, images: int, width: int, resolution: int = 1, *, norm: bool = False) -> None:
        super().__init__()
        full = resolution == 1
        self.radius = 2 if full else resolution // 2
        first = [conv3(images, 2 * width), nn.PReLU()] if full else []
        last = conv3(2 * width, width) if full else strided(images, width, resolution)
        activation = nn.PReLU() if full else nn.ReLU()
        self.body = nn.Sequential(*first, last, *([nn.BatchNorm2d(width)] if norm else []), activation)

    def forward(self, images: Float[Tensor, "b n h w"]) -> Float[Tensor, "b c h2 w2"]:
        """Features of `(h / resolution, w / resolution)`."""
        return self.body(images)


def conv3(channels: int, made: int) -> nn.Conv2d:
    """Conv 3 with bias and a mirrored border, for sides of at least 2."""
    return nn.Conv2d(channels, made, 3, padding=1, padding_mode="reflect")


def strided(images: int, made: int, resolution: int) -> nn.Conv2d:
    """A convolution to features that cover `resolution` pixels a side and see half as many more on each side."""
    return nn.Conv2d(images, made, 2 * resolution, stride=resolution, padding=resolution // 2)
