"""Squeeze-and-excitation: channels weighted by what the whole map holds (Hu, Shen and Sun 2018, equations 2 to 4)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.nn.feature_fusion.sizes import Mode, at_size_of_first, check_mode

LEAST_HIDDEN = 4


class SE(nn.Module):
    """Z = s S with S = X + Y and s = sigmoid(W2 ReLU(W1 GAP(S))).

    The weights are those of the sum, and weigh the sum: the channels of S that the picture as a whole speaks for are
    kept, whichever map they come from. One map alone is the block of the paper; more maps are summed.
    The mean over all positions makes it weak on objects that fill few of them.

    Args:
        channels: of every map.
        reduction: r; `channels / r` values (at least 4) stand between W1 and W2.
        mode: how a coarser map is raised to the first's size.

    Attributes:
        pools_globally: every position depends on the whole map.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(SE(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        580 parameters, 512 MACs
    """

    pools_globally = True

    def __init__(self, channels: int, *, reduction: int = 16, mode: Mode = "nearest") -> None:
        super().__init__()
        self.channels = channels
        self.mode: Mode = check_mode(mode)
        hidden = hidden_channels(channels, reduction)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def weights(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 1 1"]:
        """Of each channel, in (0, 1)."""
        return self.excite(F.relu(self.squeeze(maps.mean((2, 3), keepdim=True)))).sigmoid()

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The weighted sum at the first map's size.

        Raises:
            ValueError: maps that do not go together.
        """
        total = sum_of(at_size_of_first(maps, self.channels, self.mode, least=1))
        return self.weights(total) * total


def hidden_channels(channels: int, reduction: int) -> int:
    """`channels / reduction`, at least 4: a narrower layer is often all zero behind its ReLU.

    Raises:
        ValueError: `reduction` is less than 1.
    """
    if reduction < 1:
        raise ValueError(f"reduction {reduction}: expected 1 or more")
    return max(channels // reduction, LEAST_HIDDEN)


def sum_of(maps: list[Tensor]) -> Tensor:
    """X + Y + ..., without the 0 that Python's sum begins with."""
    total, *others = maps
    for other in others:
        total = total + other
    return total
