"""EANSDL, the loss of feature-corrective transfer learning (Wei, Wu and Barth, CVPR Workshops 2024, arXiv 2404.11214).

Extended area novel structural discrepancy loss: the feature maps of a network that sees a degraded image should have
the gradients of those of a frozen network that sees the ideal image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._precision import precise
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._window_difference import window_difference
from imfuse.lab.nn.gradients import image_gradient

Weight = Literal["detached", "paper"]
Levels = Tensor | Sequence[Tensor] | Mapping[str, Tensor]
"""Feature maps, the finest first."""
Progress = float | Float[Tensor, ""]


def eansdl_loss(
    features: Float[Tensor, "b c h w"],
    ideal: Float[Tensor, "b c h w"],
    progress: Progress = 0.0,
    radius: int = 4,
    *,
    alpha: float = 2.0,
    beta: float = 1.0,
    area_weight: float = 0.5,
    weight: Weight = "detached",
    reduction: Reduction = "mean",
) -> Tensor:
    """D * mean over pixels of (exp(-S) S + area_weight * Omega), on one level of features of any scale; 0 if equal.

    G is the Sobel gradient's size, mean over channels; D_G = G(features) - G(ideal) and S = |D_G|. Omega is the mean
    of |D_G(p) - D_G(q)| over the pixels q of the window round p, p itself among them, that lie within the map.
    D = exp(-alpha * progress^beta): large corrections early, fine ones late.

    The paper leaves open the channels, what lies beyond the border, and the values of alpha, beta, area_weight and
    radius: those here are a reading. Time grows with radius^2, memory does not grow with it.

    Args:
        features: of the network that learns.
        ideal: of the frozen network; no gradient flows into them.
        progress: epochs done by epochs in all, in [0, 1]; give a compiled loss a tensor, or each value compiles anew.
        radius: of the window, in pixels of the map; 0 leaves the area out.
        alpha: how far the loss falls until the end; 0: not at all.
        beta: how soon it falls: below 1 sooner, above 1 later; above 0.
        area_weight: lambda_o of the paper.
        weight: `detached`: exp(-S) is a weight without gradient, so that the first term always asks for a smaller S.
            `paper`: with gradient; as S exp(-S) falls beyond S = 1, descent then makes large differences larger.
        reduction: over the images; `none` gives `(b,)`.

    Returns:
        In the type of `features`; computed in single precision at least, under autocast too.

    Raises:
        ValueError: maps of unequal shapes, a progress beyond [0, 1], a negative radius, no such weight or reduction.

    Example:
        >>> edge = torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]])
        >>> round(eansdl_loss(edge, torch.zeros_like(edge), progress=0.5, radius=1).item(), 4)
        0.32
    """
    _check(features, ideal, progress, radius)
    difference = _gradient_size(features) - _gradient_size(ideal.detach())
    size = difference.abs()
    if weight == "detached":
        near = torch.exp(-size.detach()) * size
    elif weight == "paper":
        near = torch.exp(-size) * size
    else:
        raise ValueError(f"weight {weight!r}: expected detached or paper")
    area = window_difference(difference, radius)
    exponent = -alpha * progress**beta
    decay = exponent.exp() if isinstance(exponent, Tensor) else math.exp(exponent)
    return reduced(decay * (near + area_weight * area).mean(dim=(1, 2)), reduction).to(features.dtype)


def level_radius(radius: float, level: int) -> int:
    """Radius at a level of a pyramid, each of half the size of the one before: max(1, round(radius / 2^level)).

    Example:
        >>> [level_radius(4, level) for level in range(4)]
        [4, 2, 1, 1]
    """
    return max(1, round(radius / 2**level))


def _gradient_size(features: Tensor) -> Float[Tensor, "b h w"]:
    features = precise(features)
    across, down = image_gradient(features, "sobel").unbind(dim=2)
    # The root of zero has no finite gradient, that of a limit has 0.
    least = torch.finfo(features.dtype).tiny
    return (across * across + down * down).clamp_min(least).sqrt().mean(dim=1)


def _check(features: Tensor, ideal: Tensor, progress: Progress, radius: int) -> None:
    if features.shape != ideal.shape:
        raise ValueError(f"features {tuple(features.shape)}: expected the shape of the ideal, {tuple(ideal.shape)}")
    if not isinstance(progress, Tensor) and not 0 <= progress <= 1:
        raise ValueError(f"progress {progress}: expected epochs done by epochs in all, in [0, 1]")
    if radius < 0:
        raise ValueError(f"radius {radius}: expected 0 or more pixels")


class EANSDLLoss(LossModule):
    """Sum of `eansdl_loss` over the levels of a feature pyramid, with a radius of `level_radius(radius, level)`.

    Args:
        levels: names (of a mapping) or places (of a sequence) of the levels that count, the finest first; all if None.
        radius: at the first of them, in pixels of its map.
        alpha: as of the function, like all that follow.
        beta: see there.
        area_weight: see there.
        weight: see there.
        reduction: over the images; the levels are summed.

    Example:
        >>> pyramid = {"0": torch.rand(1, 8, 16, 16), "1": torch.rand(1, 8, 8, 8)}
        >>> EANSDLLoss()(pyramid, pyramid, progress=0.1).item()
        0.0
    """

    function = staticmethod(eansdl_loss)

    def __init__(  # noqa: PLR0917
        self,
        levels: Sequence[str | int] | None = None,
        radius: float = 4,
        alpha: float = 2.0,
        beta: float = 1.0,
        area_weight: float = 0.5,
        weight: Weight = "detached",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(alpha=alpha, beta=beta, area_weight=area_weight, weight=weight, reduction=reduction)
        self.levels, self.radius = levels, radius

    def forward(self, features: Levels, ideal: Levels, progress: Progress = 0.0) -> Tensor:
        """The loss of a pyramid; one map counts as a pyramid of one level.

        Raises:
            ValueError: other levels than the ideal features have, a level that is not there, or none at all.
        """
        learned, wanted = _named(features), _named(ideal)
        names = list(learned) if self.levels is None else self.levels
        if not names or learned.keys() != wanted.keys() or not learned.keys() >= set(names):
            raise ValueError(
                f"levels {list(names)}: expected some that both have; the features have {list(learned)}, "
                f"the ideal ones {list(wanted)}"
            )
        losses = [
            eansdl_loss(learned[name], wanted[name], progress, level_radius(self.radius, level), **self.options)
            for level, name in enumerate(names)
        ]
        return torch.stack(losses).sum(dim=0)


def _named(maps: Levels) -> Mapping[Any, Tensor]:
    if isinstance(maps, Mapping):
        return maps
    return dict(enumerate([maps] if isinstance(maps, Tensor) else maps))
