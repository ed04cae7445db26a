"""HAF, the hierarchically aggregated fusion network (Liu et al., ACM MM 2021).

A feature-level module (FFM) makes a first fused image F0 of both sources. An object-level module (OFM) sees each source
beside F0: the target branch the first source, such as infrared, the detail branch the second, such as visible. A mask
of spatial attention joins the features of both branches to the fused image F.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.branches import TwoBranches
from imfuse.lab.nn.fusion_heads import DirectHead
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.nn.trunk import Trunk

READING = (
    "w48 ffm cms(res_3 dil_3) csc(dense_3 dil_3) target csc(spatial_3 dil_3) csc(spatial_3 dil_3) "
    "detail csc(channel_3 spatial_3) csc(channel_3 spatial_3)"
)
"""Reading: no genotype of HAF is known, so these are the cells that its authors published for TIM."""


class HAFImages(NamedTuple):
    """What HAF makes in training, for terms of an objective that name an `image`.

    Attributes:
        fused: F, not clipped.
        first_fused: F0 of the feature-level module, not clipped.
        target: I_t of the target branch, in (-1, 1).
        detail: I_d of the detail branch, in (-1, 1).
    """

    fused: Float[Tensor, "b 1 h w"]
    first_fused: Float[Tensor, "b 1 h w"]
    target: Float[Tensor, "b 1 h w"]
    detail: Float[Tensor, "b 1 h w"]


class HAF(nn.Module):
    """Fuse two sources, first by their features, then by what each shows.

    Args:
        genotype: or its text; the default is a reading, see `READING`.

    Attributes:
        genotype: the network as a value.
        size_multiple: height and width must be multiples of this.
        margin: receptive radius in pixels; None where a cell pools over the whole picture.
        symmetric: False, as the order of the sources matters.
        keeps_equal: False, as equal sources need not come back as they are.

    Raises:
        RecipeError: not a genotype.

    Example:
        >>> network = HAF("w8 ffm csc(res_3) target csc(spatial_3) detail csc(dil_3)")
        >>> network(torch.rand(2, 2, 16, 24)).target.shape
        torch.Size([2, 1, 16, 24])
        >>> network.eval()(torch.rand(1, 2, 16, 24)).shape
        torch.Size([1, 1, 16, 24])
    """

    symmetric = False
    keeps_equal = False

    def __init__(self, genotype: str | HAFGenotype = READING) -> None:
        super().__init__()
        self.genotype = gene = HAFGenotype.parse(genotype) if isinstance(genotype, str) else genotype
        self.trunk = Trunk(gene.ffm, gene.width)
        self.head = DirectHead(gene.width, 1)
        self.branches = TwoBranches((gene.target, gene.detail), gene.width)
        self.size_multiple = math.lcm(self.trunk.size_multiple, self.branches.size_multiple)
        pools = self.trunk.pools or self.branches.margin is None
        self.margin = None if pools else self.trunk.radius + self.head.radius + (self.branches.margin or 0)

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"] | HAFImages:
        """Fuse sources in [0, 1] whose sides are multiples of `size_multiple`.

        Returns:
            In evaluation the fused image, not clipped; in training `HAFImages`.
        """
        first_fused = self.head(self.trunk(sources), sources)
        A, B = sources[:, :1], sources[:, 1:]
        if not self.training:
            return self._fuse(A, B, first_fused)
        fused, target, detail = self.branches(A, B, first_fused)
        return HAFImages(fused, first_fused, target, detail)

    def _fuse(
        self, A: Float[Tensor, "b 1 h w"], B: Float[Tensor, "b 1 h w"], first_fused: Float[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b 1 h w"]:
        """What the branches make, without the images of each that are for training."""
        target = self.branches.first.trunk(torch.cat([A, first_fused], 1))
        detail = self.branches.second.trunk(torch.cat([B, first_fused], 1))
        return self.branches.join(target, detail)
