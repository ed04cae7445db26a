"""Gradients of images by the operators that losses choose between: Sobel, two Laplacians, forward differences.

Sums of shifted images, not convolutions: they keep the precision of their input under autocast, and training by them
gives the same result each time on a GPU.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Operator = Literal["sobel", "laplacian4", "laplacian8", "forward"]


def image_gradient(images: Float[Tensor, "b c h w"], operator: Operator = "sobel") -> Float[Tensor, "b c k h w"]:
    """Gradient of each channel, its components at dim 2: (x, y) along rows and down columns, or one Laplacian.

    Args:
        images: any scale and any size from 1 x 1.
        operator: `sobel`: [-1 0 1; -2 0 2; -1 0 1] and its transpose, on a slope of 1 a pixel 8. `forward`:
            I[x + 1] - I[x]. `laplacian4`: the four neighbours less four times the centre. `laplacian8`: the mean of
            the eight neighbours less the centre (FusionDN, Xu et al. 2020).

    Returns:
        `(b, c, k, h, w)`, k = 2 for `sobel` and `forward`, 1 for the Laplacians. Beyond the border the images go on
        as they end; the forward difference at the far border is 0.

    Raises:
        ValueError: no such operator.

    Example:
        >>> image_gradient(torch.tensor([[[[0.0, 1.0, 3.0]]]]), "forward").tolist()
        [[[[[1.0, 2.0, 0.0]], [[0.0, 0.0, 0.0]]]]]
    """
    if operator == "forward":
        return torch.stack([F.pad(images.diff(dim=3), (0, 1)), F.pad(images.diff(dim=2), (0, 0, 0, 1))], dim=2)
    left, right = _neighbours(images, 3)
    if operator == "sobel":
        above, below = _neighbours(images, 2)
        rows, columns = above + 2 * images + below, left + 2 * images + right
        return torch.stack([_central_difference(rows, 3), _central_difference(columns, 2)], dim=2)
    if operator == "laplacian4":
        return (left + right + sum(_neighbours(images, 2)) - 4 * images)[:, :, None]
    if operator == "laplacian8":
        beside = left + right
        corners, sides = sum(_neighbours(beside, 2)), beside + sum(_neighbours(images, 2))
        return ((corners + sides) / 8 - images)[:, :, None]
    raise ValueError(f"operator {operator!r}: expected sobel, laplacian4, laplacian8 or forward")


def _central_difference(images: Tensor, dim: int) -> Tensor:
    before, after = _neighbours(images, dim)
    return after - before


def _neighbours(images: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The pixel before and the pixel after each along a dimension, at the border the pixel itself."""
    size = images.shape[dim]
    first, last = images.narrow(dim, 0, 1), images.narrow(dim, size - 1, 1)
    before = torch.cat([first, images.narrow(dim, 0, size - 1)], dim)
    after = torch.cat([images.narrow(dim, 1, size - 1), last], dim)
    return before, after
