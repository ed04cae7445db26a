"""Laplacian pyramids as differentiable tensor operations that export to a fast graph (Burt and Adelson 1983)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def reduce(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Blur by the binomial of five and take every second pixel; the border is replicated."""
    window = image.new_tensor(BINOMIAL)
    kernel = torch.outer(window, window)[None, None]
    batch, channels, height, width = image.shape
    flat = F.pad(image.reshape(batch * channels, 1, height, width), [2, 2, 2, 2], mode="replicate")
    return F.conv2d(flat, kernel, stride=2).reshape(batch, channels, height // 2, width // 2)


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
