"""Total variation (Rudin, Osher and Fatemi 1992): how much an image changes from pixel to pixel."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._precision import precise
from imfuse.lab.losses._reduction import Reduction, reduced

Form = Literal["anisotropic", "isotropic", "squared"]
EPSILON = 1e-6


def total_variation_loss(
    image: Float[Tensor, "b c h w"], form: Form = "anisotropic", reduction: Reduction = "mean"
) -> Tensor:
    """Mean over pixels and channels of the size of the forward differences d, which are zero at the far border.

    Args:
        image: any scale; noise and texture cost alike, and a constant image costs nothing.
        form: `anisotropic`: |d_x| + |d_y|, which prefers edges along the axes. `isotropic`: sqrt(d_x^2 + d_y^2), which
            does not; smoothed by 1e-6 so that its gradient is finite where nothing changes. `squared`:
            d_x^2 + d_y^2, which blurs edges.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: no such form or reduction.

    Example:
        >>> total_variation_loss(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])).item()
        0.5
    """
    values = precise(image)
    across = F.pad(values.diff(dim=3), (0, 1))
    down = F.pad(values.diff(dim=2), (0, 0, 0, 1))
    if form == "anisotropic":
        size = across.abs() + down.abs()
    elif form == "isotropic":
        size = torch.sqrt(across.square() + down.square() + EPSILON**2) - EPSILON
    elif form == "squared":
        size = across.square() + down.square()
    else:
        raise ValueError(f"form {form!r}: expected anisotropic, isotropic or squared")
    return reduced(size.mean(dim=(1, 2, 3)), reduction).to(image.dtype)


class TotalVariationLoss(LossModule):
    """`total_variation_loss` as a module."""

    function = staticmethod(total_variation_loss)

    def __init__(self, form: Form = "anisotropic", reduction: Reduction = "mean") -> None:
        super().__init__(form=form, reduction=reduction)
