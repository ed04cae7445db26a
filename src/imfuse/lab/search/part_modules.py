"""The small networks whose times give the time of a part.

Engines fuse neighbouring layers, and ONNX Runtime keeps features in another layout between convolutions. So a part is
timed between two convolutions of one pixel, as it stands in a network, and the time of these convolutions, measured
beside it, is taken off; with it goes what a call of the engine costs. (Between layers that are no convolutions, parts
predict whole networks as well, as far as could be measured: what counts is that the surroundings are taken off.) A stem
has such a convolution behind it only, and a head one before it only; half of the pair is taken off each, as every
network has one of both. A join has two before it, for which the pair stands.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.branches import MaskedJoin
from imfuse.lab.nn.cells import CELLS
from imfuse.lab.nn.fusion_heads import FUSION_HEADS
from imfuse.lab.nn.operators import OPERATORS
from imfuse.lab.nn.trunk import Stem
from imfuse.lab.search.parts import Part


class Call(nn.Module):
    """A network of next to no cost: what a call costs whatever it computes."""

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"]:
        """The first source, in memory of its own."""
        return sources[:, :1].clone()


class Enter(nn.Module):
    """Features of a width and a resolution, of every n-th pixel by a convolution of one pixel."""

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        self.step = resolution
        self.convolution = nn.Conv2d(2, width, 1, bias=False)

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b c h2 w2"]:
        """Of `(h / resolution, w / resolution)`."""
        return self.convolution(sources[:, :, :: self.step, :: self.step])


class Leave(nn.Conv2d):
    """One map of features, by a convolution of one pixel."""

    def __init__(self, width: int) -> None:
        super().__init__(width, 1, 1, bias=False)


class UnderHead(nn.Module):
    """A head on features that cost little."""

    def __init__(self, head: nn.Module, width: int, resolution: int) -> None:
        super().__init__()
        self.enter, self.head = Enter(width, resolution), head

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"]:
        """The fused image."""
        return self.head(self.enter(sources), sources)


class UnderJoin(nn.Module):
    """A join of two branches, on features that cost little."""

    def __init__(self, join: nn.Module, width: int, resolution: int) -> None:
        super().__init__()
        self.enter = nn.ModuleList(Enter(width, resolution) for _ in range(2))
        self.join = join

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"]:
        """The fused image."""
        return self.join(*(enter(sources) for enter in self.enter))


def surroundings(part: Part) -> nn.Module:
    """The network without the part."""
    if part.kind == "call":
        return Call().eval()
    return nn.Sequential(Enter(part.width, part.resolution), Leave(part.width)).eval()


def with_part(part: Part) -> nn.Module:
    """The network with the part; of the call, that alone."""
    if part.kind == "call":
        return Call().eval()
    if part.kind == "stem":
        return nn.Sequential(Stem(2, part.width, part.resolution), Leave(part.width)).eval()
    if part.kind == "head":
        head = FUSION_HEADS[part.name](part.width, part.resolution)
        return UnderHead(head, part.width, part.resolution).eval()
    if part.kind == "join":
        return UnderJoin(MaskedJoin(part.width), part.width, part.resolution).eval()
    body = CELLS[part.name](part.width, []) if part.kind == "cell" else OPERATORS[part.name](part.width)
    return nn.Sequential(Enter(part.width, part.resolution), body, Leave(part.width)).eval()


def time_of(part: Part, *, alone: float, without: float, call: float) -> float:
    """The time of a part, from those of its network, of the network without it, and of a call.

    Args:
        part: whose time it is.
        alone: of `with_part`.
        without: of `surroundings`.
        call: of `Call`.

    Returns:
        From zero up, in the unit of the times.
    """
    if part.kind == "call":
        return alone
    half = part.kind in ("stem", "head")
    return max(alone - ((without + call) / 2 if half else without), 0.0)
