"""Cycle consistency and identity: what unpaired translation must keep (Zhu et al. 2017, CycleGAN)."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Images = Float[Tensor, "b c h w"]
Translation = Callable[[Tensor], Tensor]


def cycle_consistency_loss(x: Images, y: Images, there: Translation, back: Translation) -> Float[Tensor, ""]:
    """Mean |back(there(x)) - x| + mean |there(back(y)) - y| (equation 2); 0 where the two undo each other.

    Args:
        x: images of the one kind.
        y: images of the other kind, unpaired.
        there: from the kind of `x` to that of `y`.
        back: from the kind of `y` to that of `x`.
    """
    return F.l1_loss(back(there(x)), x) + F.l1_loss(there(back(y)), y)


def identity_loss(x: Images, y: Images, there: Translation, back: Translation) -> Float[Tensor, ""]:
    """Mean |there(y) - y| + mean |back(x) - x| (section 5.2): what is of the wanted kind already should stay."""
    return F.l1_loss(there(y), y) + F.l1_loss(back(x), x)
