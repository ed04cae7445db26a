"""Small residual classifiers of two modalities that differ in nothing but the block that joins their features.

Each modality has a stream of three stages. A block joins the maps of both streams after every stage; a trunk carries
the joined map on and adds it to the next:

    infrared  stem -- stage 1 -- stage 2 -- stage 3
                         |          |          |
                       join 1     join 2     join 3
                         |          |          |
    trunk                o- stage --+- stage --+-- mean, linear
                         |          |          |
    visible   stem -- stage 1 -- stage 2 -- stage 3

`infrared` and `visible` are one stream with the head on its last map; `late` is both of them, the mean of their logits.
"""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion import build_fuse

CHANNELS = {"infrared": 1, "visible": 3}
WIDTHS = (16, 32, 64)
BLOCKS = ("add", "concat", "parallel_add", "se", "ms_cam", "aff", "iaff")
VARIANTS = (*BLOCKS, "late", *CHANNELS)


def build_network(variant: str, classes: int) -> nn.Module:
    """The network of one of `VARIANTS`; its forward takes an infrared and a visible batch, and gives logits."""
    if variant in CHANNELS:
        return SingleModality(variant, classes)
    return LateFusion(classes) if variant == "late" else JoinedStreams(variant, classes)


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the first may halve the sides and widen."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *_convolution(inputs, outputs, stride), nn.ReLU(inplace=True), *_convolution(outputs, outputs)
        )
        changes = stride > 1 or inputs != outputs
        self.shortcut = nn.Sequential(*_convolution(inputs, outputs, stride, size=1)) if changes else nn.Identity()
        self.activation = nn.ReLU(inplace=True)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return self.activation(self.branch(maps) + self.shortcut(maps))


class Stream(nn.Module):
    """The stages of one modality; gives the map after each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(channels, WIDTHS[0], stride=2), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList([Residual(WIDTHS[0], WIDTHS[0], 1), *_narrowing_stages()])

    def forward(self, image: Float[Tensor, "b c s s"]) -> list[Tensor]:
        maps = [self.stem(image)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class JoinedStreams(nn.Module):
    """Two streams whose maps are joined after every stage by blocks of one kind."""

    def __init__(self, block: str, classes: int) -> None:
        super().__init__()
        self.infrared, self.visible = (Stream(channels) for channels in CHANNELS.values())
        self.trunk = nn.ModuleList(_narrowing_stages())
        self.head = nn.Linear(WIDTHS[-1], classes)
        # The blocks come last: whatever they draw, all else begins with the weights of its seed.
        self.joins = nn.ModuleList(build_fuse(block, width) for width in WIDTHS)

    def forward(self, infrared: Float[Tensor, "b 1 s s"], visible: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b k"]:
        pairs = zip(self.joins, self.infrared(infrared), self.visible(visible), strict=True)
        first, *later = (join(*maps) for join, *maps in pairs)
        carried = first
        for stage, joined in zip(self.trunk, later, strict=True):
            carried = stage(carried) + joined
        return self.head(carried.mean((2, 3)))


class SingleModality(nn.Module):
    """One stream; the other modality is not looked at."""

    def __init__(self, modality: str, classes: int) -> None:
        super().__init__()
        self.index = list(CHANNELS).index(modality)
        self.stream = Stream(CHANNELS[modality])
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, *images: Float[Tensor, "b _ s s"]) -> Float[Tensor, "b k"]:
        return self.head(self.stream(images[self.index])[-1].mean((2, 3)))


class LateFusion(nn.Module):
    """Both single modalities, trained as one by the mean of their logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(SingleModality(modality, classes) for modality in CHANNELS)

    def forward(self, infrared: Float[Tensor, "b 1 s s"], visible: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b k"]:
        first, second = (member(infrared, visible) for member in self.members)
        return (first + second) / 2


def _convolution(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs)


def _narrowing_stages() -> list[Residual]:
    return [Residual(inputs, outputs, stride=2) for inputs, outputs in pairwise(WIDTHS)]
