"""The supernet: all fusion networks of a space in one, mixed by the logits of the space's choices.

Cells and operators are relaxed as in HAF and TIM (Liu et al., ACM MM 2021; TPAMI 2024, arXiv 2305.15862). That
resolution, width, number of cells and head are searched too is ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.cells import CELLS
from imfuse.lab.nn.fusion_heads import FUSION_HEADS
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.nn.operators import OPERATORS
from imfuse.lab.nn.trunk import SMALLEST_SIDE, Stem
from imfuse.lab.search.mixture import ChannelMask, Mixture, Step
from imfuse.lab.search.relaxation import Relaxation
from imfuse.lab.search.relaxed_network import RelaxedNetwork
from imfuse.lab.search.space import Space


class Supernet(RelaxedNetwork):
    """Fuse two sources by the networks of a space, mixed.

    Each place in a cell mixes all operators, each cell all kinds; the features after each number of cells are mixed,
    and the fused images of all heads and of all resolutions. Resolutions have their own stems and heads and share the
    cells. Everything is built at the largest width; masks behind stem, operators and cells leave narrower ones their
    first channels, while layers inside of these keep all.

    Options of weight zero are not computed: `gumbel` runs one network a step.

    Args:
        space: what to choose from.
        relaxation: `softmax` or `gumbel`.
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
        stems = (Stem(2, width, resolution) for resolution in space.resolutions)
        self.stems = nn.ModuleList(_masked(stem, width, space, step) for stem in stems)
        self.cells = nn.ModuleList(_mixed_cell(f"cell{i}", space, step) for i in range(1, max(space.cells) + 1))
        self.heads = nn.ModuleList(
            _mixed("head", {name: FUSION_HEADS[name](width, resolution) for name in space.heads}, step)
            for resolution in space.resolutions
        )
        self.size_multiple = _size_multiple(self, space)

    def forward(self, sources: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Fuse sources in [0, 1] whose sides are multiples of `size_multiple`; the result is not clipped."""
        with self.step.of(self.weights_of_step()):
            branches = zip(self.stems, self.heads, strict=True)
            return self.step.mix("resolution", [partial(self._fuse, *branch, sources) for branch in branches])

    def genotype(self) -> Genotype:
        """The network of the most likely options."""
        return self.space.genotype(self.picks())

    def _fuse(self, stem: nn.Module, head: nn.Module, sources: Tensor) -> Tensor:
        return head(self._features(stem(sources)), sources)

    def _features(self, x: Tensor) -> Tensor:
        """The features after each number of cells, mixed; cells that none of them needs are not run."""
        counts = self.space.cells
        deepest = max(counts[option] for option in self.step.taken("cells", len(counts)))
        features = [x]
        for cell in list(self.cells)[:deepest]:
            features.append(cell(features[-1]))
        return self.step.mix("cells", [partial(features.__getitem__, count) for count in counts])


def _mixed_cell(name: str, space: Space, step: Step) -> nn.Module:
    return _mixed(f"{name}.kind", {kind: _cell(kind, f"{name}.{kind}", space, step) for kind in space.kinds}, step)


def _cell(kind: str, name: str, space: Space, step: Step) -> nn.Module:
    makers = [partial(_mixed_operator, f"{name}.op{slot}", space, step) for slot in range(1, space.slots + 1)]
    width = max(space.widths)
    cell = CELLS[kind](width, makers)
    # A successive cell ends with its last operator: masked again, weights p of a softmax would count as p^2.
    return cell if kind == "csc" else _masked(cell, width, space, step)


def _mixed_operator(choice: str, space: Space, step: Step, channels: int) -> nn.Module:
    mixed = _mixed(choice, {name: OPERATORS[name](channels) for name in space.operators}, step)
    return _masked(mixed, channels, space, step)


def _mixed(choice: str, options: Mapping[str, nn.Module], step: Step) -> nn.Module:
    """The mixture of a choice, or the only option as it is."""
    return Mixture(choice, options, step) if len(options) > 1 else next(iter(options.values()))


def _masked(module: nn.Module, channels: int, space: Space, step: Step) -> nn.Module:
    return nn.Sequential(module, ChannelMask(space.widths, channels, step)) if len(space.widths) > 1 else module


def _size_multiple(supernet: Supernet, space: Space) -> int:
    """Such that every network of the space can work."""
    of_cells = [CELLS[kind].size_multiple for kind in space.kinds] if max(space.cells) else []
    of_features = math.lcm(SMALLEST_SIDE, *of_cells)
    of_heads = [int(getattr(module, "size_multiple", 1)) for module in supernet.heads.modules()]
    return math.lcm(*(resolution * of_features for resolution in space.resolutions), *of_heads)
