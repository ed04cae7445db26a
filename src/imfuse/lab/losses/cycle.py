"""Cycle consistency and identity: what unpaired translation must keep (Zhu et al. 2017, CycleGAN)."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import PlainLoss
from imfuse.lab.losses._reduction import Reduction, reduced

Images = Float[Tensor, "b c h w"]
Translation = Callable[[Tensor], Tensor]


def cycle_consistency_loss(
    x: Images, y: Images, there: Translation, back: Translation, reduction: Reduction = "mean"
) -> Tensor:
    """|back(there(x)) - x| + |there(back(y)) - y| (equation 2); 0 where the two undo each other.

    Args:
        x: images of the one kind, any scale and size.
        y: images of the other kind, unpaired.
        there: from the kind of `x` to that of `y`.
        back: from the kind of `y` to that of `x`.
        reduction: of each of the two, which are then added; `none` gives `(b, c, h, w)` and needs as many images of the
            one kind as of the other, of one size.

    Raises:
        ValueError: no such reduction, or unequal shapes with `none`.
    """
    return _added(back(there(x)) - x, there(back(y)) - y, reduction)


def identity_loss(x: Images, y: Images, there: Translation, back: Translation, reduction: Reduction = "mean") -> Tensor:
    """|there(y) - y| + |back(x) - x| (section 5.2): what is of the wanted kind already should stay.

    Args:
        x: images of the one kind, any scale and size.
        y: images of the other kind, unpaired.
        there: from the kind of `x` to that of `y`; both kinds have as many channels.
        back: from the kind of `y` to that of `x`.
        reduction: as of `cycle_consistency_loss`.

    Raises:
        ValueError: no such reduction, or unequal shapes with `none`.
    """
    return _added(back(x) - x, there(y) - y, reduction)


class CycleConsistencyLoss(PlainLoss):
    """`cycle_consistency_loss` as a module."""

    function = staticmethod(cycle_consistency_loss)


class IdentityLoss(PlainLoss):
    """`identity_loss` as a module."""

    function = staticmethod(identity_loss)


def _added(of_x: Tensor, of_y: Tensor, reduction: Reduction) -> Tensor:
    if reduction == "none" and of_x.shape != of_y.shape:
        raise ValueError(f"x {tuple(of_x.shape)}, y {tuple(of_y.shape)}: reduction none expected one shape")
    return reduced(of_x.abs(), reduction) + reduced(of_y.abs(), reduction)
