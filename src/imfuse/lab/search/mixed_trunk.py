"""Mixed trunks: stems and cells of all networks of a space, mixed by the weights of the step.

Cells and operators are relaxed as in HAF and TIM (Liu et al., ACM MM 2021; TPAMI 2024, arXiv 2305.15862). Everything is
built at the largest width; masks behind stem, operators and cells leave narrower ones their first channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.cells import CELLS
from imfuse.lab.nn.operators import OPERATORS
from imfuse.lab.nn.trunk import SMALLEST_SIDE, Stem
from imfuse.lab.search.mixture import ChannelMask, Mixture, Step
from imfuse.lab.search.space import Space


class MixedTrunk(nn.Module):
    """Stem and mixed cells at full resolution, in the place of a `Trunk`.

    Args:
        space: of the cells, with the widths; its other fields do not count.
        step: where the weights come from.
        prefix: of the names of the choices but `width`, such as `ffm.`.
        norm: whether the stem has a batch norm.

    Attributes:
        size_multiple: height and width of the images must be multiples of this.
    """

    def __init__(self, space: Space, step: Step, prefix: str = "", *, norm: bool = False) -> None:
        super().__init__()
        self.stem = mixed_stem(space, step, norm=norm)
        self.cells = MixedCells(space, step, prefix)
        self.size_multiple = self.cells.size_multiple

    def forward(self, images: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b c h w"]:
        """Features."""
        return self.cells(self.stem(images))


class MixedCells(nn.ModuleList):
    """The features after each number of cells, mixed; each cell mixes all kinds, each place in it all operators.

    Args:
        space: of the cells.
        step: where the weights come from.
        prefix: of the names of the choices but `width`.

    Attributes:
        size_multiple: height and width of the features must be multiples of this, for every network of the space.
    """

    def __init__(self, space: Space, step: Step, prefix: str = "") -> None:
        super().__init__(_mixed_cell(f"{prefix}cell{i}", space, step) for i in range(1, max(space.cells) + 1))
        self.counts, self.choice, self.step = space.cells, f"{prefix}cells", step
        kinds = space.kinds if len(self) else ()
        self.size_multiple = math.lcm(SMALLEST_SIDE, *(CELLS[kind].size_multiple for kind in kinds))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Same shape in and out; cells that no number with a weight needs are not run."""
        features = [x]

        def after(count: int) -> Tensor:
            while len(features) <= count:
                features.append(self[len(features) - 1](features[-1]))
            return features[count]

        return self.step.mix(self.choice, [partial(after, count) for count in self.counts])


def mixed_stem(space: Space, step: Step, resolution: int = 1, *, norm: bool = False) -> nn.Module:
    """The stem of two images for all widths of a space."""
    width = max(space.widths)
    return _masked(Stem(2, width, resolution, norm=norm), width, space, step)


def mixed(choice: str, options: Mapping[str, nn.Module], step: Step) -> nn.Module:
    """The mixture of a choice, or the only option as it is."""
    return Mixture(choice, options, step) if len(options) > 1 else next(iter(options.values()))


def _mixed_cell(name: str, space: Space, step: Step) -> nn.Module:
    return mixed(f"{name}.kind", {kind: _cell(kind, f"{name}.{kind}", space, step) for kind in space.kinds}, step)


def _cell(kind: str, name: str, space: Space, step: Step) -> nn.Module:
    makers = [partial(_mixed_operator, f"{name}.op{slot}", space, step) for slot in range(1, space.slots + 1)]
    width = max(space.widths)
    cell = CELLS[kind](width, makers)
    # A successive cell ends with its last operator: masked again, weights p of a softmax would count as p^2.
    return cell if kind == "csc" else _masked(cell, width, space, step)


def _mixed_operator(choice: str, space: Space, step: Step, channels: int) -> nn.Module:
    options = mixed(choice, {name: OPERATORS[name](channels) for name in space.operators}, step)
    return _masked(options, channels, space, step)


def _masked(module: nn.Module, channels: int, space: Space, step: Step) -> nn.Module:
    return nn.Sequential(module, ChannelMask(space.widths, channels, step)) if len(space.widths) > 1 else module
