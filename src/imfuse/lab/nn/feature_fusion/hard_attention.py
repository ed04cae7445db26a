"""Hard attention: one position, or one of several maps at each position, is drawn by a learned distribution.

What is not drawn is not seen, so that the scores get no gradient from the result itself. Two estimators give one:
`reinforce`, the score function with a moving baseline (Mnih et al. 2014; Xu et al. 2015, section 4.1), which needs a
reward; and `gumbel`, the straight-through Gumbel softmax (Jang, Gu and Poole 2017), which needs none, since the loss
itself flows through a relaxed draw. In evaluation the likeliest is taken.

All scores begin equal. Let what follows the block learn faster than the block (a larger learning rate), since scores
that move while the rest cannot yet use what is drawn follow chance, and then keep to it.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.nn.feature_fusion.attention import REDUCTION, scores
from imfuse.lab.nn.feature_fusion.sizes import Mode, at_size_of_first, check_maps, check_mode

Estimator = Literal["reinforce", "gumbel"]
BASELINE_DECAY = 0.9


class HardChoice(nn.Module):
    """Draws one of n by scores, with either estimator: what both kinds of hard attention share.

    Args:
        estimator: how the scores learn.
        temperature: of the relaxed draw that stands for the gradient of `gumbel`: smaller is less biased, noisier.

    Attributes:
        log_probability: of what the last call in training drew, with `reinforce`: for each picture, or for each of
            its positions. Not copied or saved with the block.
        baseline: moving mean of the rewards, a buffer.
    """

    baseline: Tensor

    def __init__(self, estimator: Estimator, temperature: float) -> None:
        super().__init__()
        if estimator not in ("reinforce", "gumbel"):
            raise ValueError(f"estimator {estimator!r}: expected reinforce or gumbel")
        if not temperature > 0:
            raise ValueError(f"temperature {temperature}: expected more than 0")
        self.estimator: Estimator = estimator
        self.temperature = temperature
        self.log_probability: Tensor | None = None
        self.register_buffer("baseline", torch.zeros(()))

    def choose(self, given: Float[Tensor, "b n ..."]) -> Float[Tensor, "b n ..."]:
        """1 for what is taken and 0 for the others, among the n of each row."""
        wide = given.to(torch.promote_types(given.dtype, torch.float32))
        if not self.training:
            return _one_hot(wide)
        noisy = wide + _gumbel_noise(wide)  # its largest is a draw by the softmax of the scores
        drawn = _one_hot(noisy)
        if self.estimator == "gumbel":
            relaxed = (noisy / self.temperature).softmax(1)
            return drawn + (relaxed - relaxed.detach())
        self.log_probability = (wide.log_softmax(1) * drawn).sum(1)
        return drawn

    def reinforce_loss(self, reward: Float[Tensor, "b ..."]) -> Float[Tensor, ""]:
        """-(reward - baseline) log p of what the last call drew: mean over pictures, sum over their positions.

        Add it to the loss of the task; its gradient is an unbiased estimate of that of the mean reward, negated.

        Args:
            reward: larger is better, without gradient: `(b,)`, or one for each position that drew.

        Raises:
            ValueError: the estimator is not `reinforce`, nothing was drawn in training, or rewards of another shape.
        """
        if self.estimator != "reinforce":
            raise ValueError(f"estimator {self.estimator!r} learns from the loss itself: it has no reinforce_loss")
        if self.log_probability is None:
            raise ValueError("nothing was drawn: call the block in training before its reinforce_loss")
        _check_reward(reward, self.log_probability)
        reward = reward.detach().to(self.log_probability.dtype)
        advantage = reward - self.baseline
        if self.training:
            self.baseline.lerp_(reward.mean().to(self.baseline.dtype), 1 - BASELINE_DECAY)
        advantage = advantage.reshape(*reward.shape, *(1,) * (self.log_probability.ndim - reward.ndim))
        return -(advantage * self.log_probability).sum() / len(self.log_probability)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "log_probability": None}  # part of a graph, which cannot be copied


class HardAttention(HardChoice):
    """A glimpse: the features at one position, drawn by softmax over all positions of s(X(position)).

    s is conv1 C -> C/r, ReLU, conv1 C/r -> 1. Several maps, of any resolutions, offer their positions side by side.

    Args:
        channels: of every map, C.
        estimator: `gumbel` learns from the loss alone; `reinforce` needs `reinforce_loss` beside it.
        temperature: of the relaxed draw of `gumbel`.
        reduction: r; at least 4 channels stand between the convolutions.

    Attributes:
        log_probability: `(b,)` after a call in training with `reinforce`.
        pools_globally: what is seen depends on the whole map.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(HardAttention(64), (1, 64, 32, 32)))
        1,057 parameters, 1,130,496 MACs
    """

    pools_globally = True

    def __init__(
        self,
        channels: int,
        *,
        estimator: Estimator = "gumbel",
        temperature: float = 1.0,
        reduction: int = REDUCTION,
    ) -> None:
        super().__init__(estimator, temperature)
        self.channels = channels
        self.score = _unprejudiced(scores(channels, 1, reduction))

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c 1 1"]:
        """The features of the position drawn, as a map of one position.

        Raises:
            ValueError: no map, or other channels.
        """
        check_maps(maps, self.channels, least=1)
        given = torch.cat([self.score(each).flatten(1) for each in maps], dim=1)
        features = torch.cat([each.flatten(2) for each in maps], dim=2)
        return (features @ self.choose(given).to(features.dtype)[:, :, None])[..., None]


class HardSelection(HardChoice):
    """At each position one of the maps, drawn by softmax over k of s(X_k(position)): the hard `SoftSpatialAttention`.

    s is conv1 C -> C/r, ReLU, conv1 C/r -> 1, the same for all maps, so that any number of maps in any order will do.

    Args:
        channels: of every map, C.
        estimator: `gumbel` learns from the loss alone; `reinforce` needs `reinforce_loss` beside it.
        temperature: of the relaxed draw of `gumbel`.
        reduction: r; at least 4 channels stand between the convolutions.
        mode: how a coarser map is raised to the first's size.

    Attributes:
        log_probability: `(b, h, w)` after a call in training with `reinforce`.

    Example:
        >>> from imfuse.lab.nn.feature_fusion.cost import cost
        >>> print(cost(HardSelection(64), (1, 64, 32, 32), (1, 64, 32, 32)))
        1,057 parameters, 2,129,920 MACs
    """

    def __init__(
        self,
        channels: int,
        *,
        estimator: Estimator = "gumbel",
        temperature: float = 1.0,
        reduction: int = REDUCTION,
        mode: Mode = "nearest",
    ) -> None:
        super().__init__(estimator, temperature)
        self.channels = channels
        self.mode: Mode = check_mode(mode)
        self.score = _unprejudiced(scores(channels, 1, reduction))

    def forward(self, *maps: Float[Tensor, "b c _h _w"]) -> Float[Tensor, "b c h w"]:
        """The selected features at the first map's size.

        Raises:
            ValueError: one map only, or maps that do not go together.
        """
        parts = at_size_of_first(maps, self.channels, self.mode)
        chosen = self.choose(torch.cat([self.score(part) for part in parts], dim=1))
        return (chosen.to(parts[0].dtype)[:, :, None] * torch.stack(parts, dim=1)).sum(1)


def _unprejudiced(score: nn.Sequential) -> nn.Sequential:
    """With equal scores for all: a chance preference at the start keeps what it avoids from ever being tried."""
    nn.init.zeros_(score[-1].weight)  # pyright: ignore[reportArgumentType]
    nn.init.zeros_(score[-1].bias)  # pyright: ignore[reportArgumentType]
    return score


def _check_reward(reward: Tensor, log_probability: Tensor) -> None:
    # Broadcast, rewards (b, 1) would silently credit every picture with the draws of all others.
    shapes = list(dict.fromkeys((tuple(log_probability.shape[:1]), tuple(log_probability.shape))))
    if tuple(reward.shape) not in shapes:
        expected = " or ".join(map(str, shapes))
        raise ValueError(f"reward of shape {tuple(reward.shape)}: expected {expected}, as the last call drew")


def _one_hot(given: Tensor) -> Tensor:
    return torch.zeros_like(given).scatter(1, given.argmax(1, keepdim=True), 1.0)


def _gumbel_noise(like: Tensor) -> Tensor:
    return -torch.empty_like(like).exponential_().clamp_min(torch.finfo(like.dtype).tiny).log()
