"""The fusion network of a genotype: stem, cells, head, at the genotype's resolution and width.

With `x1 w48 direct` it is the fusion network N_F of TIM (Liu et al., TPAMI 2024, arXiv 2305.15862).
"""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.fusion_heads import FUSION_HEADS
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.trunk import Trunk


class SearchedFusion(nn.Module):
    """Fuse two sources by the network of a genotype.

    Args:
        genotype: or its text, such as `x4 w16 pyramid csc(conv_3 dil_3)`.

    Attributes:
        genotype: the network as a value.
        size_multiple: height and width must be multiples of this.
        margin: receptive radius in pixels; None where a cell pools over the whole picture.
        symmetric: False, as the order of the sources matters.
        keeps_equal: whether equal sources come back as they are.

    Raises:
        RecipeError: not a genotype.

    Example:
        >>> import torch
        >>> network = SearchedFusion("x2 w8 blend csc(conv_3 spatial_3)")
        >>> network(torch.rand(1, 2, 32, 48)).shape
        torch.Size([1, 1, 32, 48])
    """

    symmetric = False

    def __init__(self, genotype: str | Genotype) -> None:
        super().__init__()
        self.genotype = gene = genotype if isinstance(genotype, Genotype) else Genotype.parse(str(genotype))
        self.trunk = Trunk(gene.cells, gene.width, gene.resolution)
        self.head = FUSION_HEADS[gene.head](gene.width, gene.resolution)
        self.size_multiple = math.lcm(self.trunk.size_multiple, self.head.size_multiple)
        self.margin = None if self.trunk.pools else self.trunk.radius + self.head.radius
        self.keeps_equal = self.head.keeps_equal

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Fuse sources in [0, 1] whose sides are multiples of `size_multiple`; the result is not clipped."""
        return self.head(self.trunk(sources), sources)
