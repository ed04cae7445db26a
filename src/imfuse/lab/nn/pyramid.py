"""Laplacian pyramids as differentiable tensor operations that export to a fast graph (Burt and Adelson 1983)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def reduce(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Half the height and width: the mean of 4 x 4 pixels round each new one, of those that exist at the border.

    Its new pixels lie in the middle of four old ones, as `expand` takes them to lie.
    """
    return F.avg_pool2d(image, 4, stride=2, padding=1, count_include_pad=False)


def expand(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Twice the height and width, bilinear."""
    return F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)


def laplacian_pyramid(
    image: Float[Tensor, "b c h w"], levels: int
) -> tuple[list[Float[Tensor, "b c h2 w2"]], Float[Tensor, "b c h3 w3"]]:
    """Band-pass levels, finest first, and the low-pass base; sides must be multiples of `2 ** levels`.

    The image is `bands[0] + expand(bands[1] + expand(... + expand(base)))` exactly.
    """
    bands = []
    for _ in range(levels):
        smaller = reduce(image)
        bands.append(image - expand(smaller))
        image = smaller
    return bands, image
