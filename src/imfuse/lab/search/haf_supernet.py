"""The supernet of HAF: all networks of a `HAFSpace` in one, mixed by the logits of the space's choices."""

from __future__ import annotations

import math
from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.models.haf import HAF, HAFImages
from imfuse.lab.nn.haf_genotype import HAFGenotype
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.mixed_trunk import MixedTrunk
from imfuse.lab.search.relaxation import Relaxation
from imfuse.lab.search.relaxed_network import RelaxedNetwork

TRUNKS = {"ffm": "trunk", "target": "branches.first.trunk", "detail": "branches.second.trunk"}
"""Where in `HAF` the cells of each part of a genotype are."""


class HAFSupernet(RelaxedNetwork):
    """Fuse two sources by the networks of HAF in a space, mixed (Liu et al., ACM MM 2021).

    It is HAF with mixed trunks, which work as in `imfuse.lab.search.supernet.Supernet`: heads and join are those of the
    largest width, and are not searched. With several widths, the join's largest and mean features are taken over all
    channels, those that a narrow width lacks as zeros.

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
        >>> space = HAFSpace(operators=("conv_3", "dil_3"), slots=1, ffm=(1,), target=(1,), detail=(0, 1), widths=(8,))
        >>> supernet = HAFSupernet(space, "gumbel")
        >>> supernet.draw(seed=0)
        >>> supernet(torch.rand(2, 2, 16, 16)).first_fused.shape
        torch.Size([2, 1, 16, 16])
        >>> supernet.genotype() in space
        True
    """

    def __init__(self, space: HAFSpace, relaxation: Relaxation = "softmax", temperature: float = 1.0) -> None:
        super().__init__(space.choices, relaxation, temperature)
        self.space = space
        self.network = HAF(HAFGenotype((), (), (), max(space.widths)))
        multiples = []
        for part, place in TRUNKS.items():
            own = replace(space.parts[part], widths=space.widths)
            trunk = MixedTrunk(own, self.step, f"{part}.", norm=part != "ffm")
            self.network.set_submodule(place, trunk)
            multiples.append(trunk.size_multiple)
        self.size_multiple = math.lcm(*multiples)

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"] | HAFImages:
        """Fuse sources in [0, 1] whose sides are multiples of `size_multiple`.

        Returns:
            As of `HAF`: in evaluation the fused image, not clipped; in training `HAFImages`.
        """
        with self.mixing():
            return self.network(sources)

    def genotype(self) -> HAFGenotype:
        """The network of the most likely options."""
        return self.space.genotype(self.picks())
