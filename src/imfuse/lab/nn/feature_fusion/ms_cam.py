"""Multi-scale channel attention: what a position and what the whole map say (Dai et al. 2021, equations 1 to 3)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from imfuse.errors import TrainingError
from imfuse.lab.nn.feature_fusion.sizes import Mode, at_size_of_first, check_mode
from imfuse.lab.nn.feature_fusion.squeeze_excitation import hidden_channels, sum_of

REDUCTION = 4


class MSCAM(nn.Module):
    """Z = S sigmoid(L(S) + g(S)) with S = X + Y; one map alone is the module of the paper.

    L is conv1 C -> C/r, BN, ReLU, conv1 C/r -> C, BN at each position; g has the same layers on the mean over all
    positions, and weights of its own.

    Args:
        channels: of every map, C.
        reduction: r; at least 4 channels stand between the convolutions.
        mode: how a coarser map is raised to the first's size.

    Attributes:
        pools_globally: every position depends on the whole map.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(MSCAM(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        4,576 parameters, 2,099,200 MACs
    """

    pools_globally = True

    def __init__(self, channels: int, *, reduction: int = REDUCTION, mode: Mode = "nearest") -> None:
        super().__init__()
        self.channels = channels
        self.mode: Mode = check_mode(mode)
        self.context = MultiScaleContext(channels, reduction, block="MSCAM")

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The weighted sum at the first map's size.

        Raises:
            TrainingError: batch of one in training.
            ValueError: maps that do not go together.
        """
        total = sum_of(at_size_of_first(maps, self.channels, self.mode, least=1))
        return total * self.context(total).sigmoid()


class MultiScaleContext(nn.Module):
    """L(X) + g(X), the scores whose sigmoid weighs each channel at each position.

    Args:
        channels: of the map.
        reduction: r; at least 4 channels stand between the convolutions.
        block: whose part this is, for errors.
    """

    def __init__(self, channels: int, reduction: int, block: str) -> None:
        super().__init__()
        self.block = block
        self.at_positions = _bottleneck(channels, reduction)
        self.at_large = _bottleneck(channels, reduction)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Scores, of any size and sign.

        Raises:
            TrainingError: batch of one in training.
        """
        if maps.shape[0] == 1 and any(isinstance(m, nn.BatchNorm2d) and m.training for m in self.at_large):
            raise TrainingError(
                f"{self.block} got a batch of one picture in training: its batch normalisation of the mean over all "
                "positions has one value a channel then, which leaves nothing to learn from; train with a batch of "
                "two or more, or call .eval() before using the network on one picture"
            )
        return self.at_positions(maps) + self.at_large(maps.mean((2, 3), keepdim=True))


def _bottleneck(channels: int, reduction: int) -> nn.Sequential:
    hidden = hidden_channels(channels, reduction)
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, channels, 1),
        nn.BatchNorm2d(channels),
    )
