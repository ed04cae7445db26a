"""The supernet: all fusion networks of a space in one, mixed by the logits of the space's choices.

Cells and operators are relaxed as in HAF and TIM (Liu et al., ACM MM 2021; TPAMI 2024, arXiv 2305.15862). That
resolution, width, number of cells and head are searched too is ours.
"""

from __future__ import annotations

import math
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.fusion_heads import FUSION_HEADS
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search.mixed_trunk import MixedCells, mixed, mixed_stem
from imfuse.lab.search.relaxation import Relaxation
from imfuse.lab.search.relaxed_network import RelaxedNetwork
from imfuse.lab.search.space import Space


class Supernet(RelaxedNetwork):
    """Fuse two sources by the networks of a space, mixed.

    Each place in a cell mixes all operators, each cell all kinds; the features after each number of cells are mixed,
    and the fused images of all heads and of all resolutions. Resolutions have their own stems and heads and share the
    cells. Everything is built at the largest width; masks behind stem, operators and cells leave narrower ones their
    first channels, while layers inside of these keep all.

    Options of weight zero are not computed: `gumbel` runs one network a step. So does `two_paths`, but for the rivals
    of those choices whose logits have a gradient.

    Args:
        space: what to choose from.
        relaxation: as in `RelaxedNetwork`.
        temperature: as in `RelaxedNetwork`.

    Attributes:
        size_multiple: height and width must be multiples of this.

    Raises:
        ValueError: no such relaxation.
        RecipeError: a temperature that is not above 0.

    Example:
        >>> import torch
        >>> space = Space(kinds=("csc", "cms"), operators=("conv_3", "dil_3"), slots=1, cells=(1,), widths=(4, 8))
        >>> supernet = Supernet(space, "gumbel")
        >>> supernet.draw(seed=0)
        >>> supernet(torch.rand(1, 2, 16, 16)).shape
        torch.Size([1, 1, 16, 16])
        >>> supernet.genotype() in space
        True
    """

    def __init__(self, space: Space, relaxation: Relaxation = "softmax", temperature: float = 1.0) -> None:
        super().__init__(space.choices, relaxation, temperature)
        self.space = space
        width, step = max(space.widths), self.step
        self.stems = nn.ModuleList(mixed_stem(space, step, resolution) for resolution in space.resolutions)
        self.cells = MixedCells(space, step)
        self.heads = nn.ModuleList(
            mixed("head", {name: FUSION_HEADS[name](width, resolution) for name in space.heads}, step)
            for resolution in space.resolutions
        )
        self.size_multiple = _size_multiple(self, space)

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Fuse sources in [0, 1] whose sides are multiples of `size_multiple`; the result is not clipped."""
        with self.mixing():
            branches = zip(self.stems, self.heads, strict=True)
            return self.step.mix("resolution", [partial(self._fuse, *branch, sources) for branch in branches])

    def genotype(self) -> Genotype:
        """The network of the most likely options."""
        return self.space.genotype(self.picks())

    def _fuse(self, stem: nn.Module, head: nn.Module, sources: Tensor) -> Tensor:
        return head(self.cells(stem(sources)), sources)


def _size_multiple(supernet: Supernet, space: Space) -> int:
    """Such that every network of the space can work."""
    of_features = supernet.cells.size_multiple
    of_heads = [int(getattr(module, "size_multiple", 1)) for module in supernet.heads.modules()]
    return math.lcm(*(resolution * of_features for resolution in space.resolutions), *of_heads)
