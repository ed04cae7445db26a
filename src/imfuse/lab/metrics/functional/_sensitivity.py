"""What the two metrics of human contrast sensitivity share: stretched images and filters of radial frequency."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import PEAK

HALF = 0.501
"""Rounds half up in spite of the rounding of floats: a level stretched from 8 bits is half, or 1 / 510 off, or more."""


def stretch(images: Float[Tensor, "b c h w"], *, rounded: bool) -> Float[Tensor, "b c h w"]:
    """Bring each channel's lowest value to 0 and its highest to 1; a constant channel becomes 0.

    Args:
        images: on any scale.
        rounded: to 256 levels, half up, as the toolbox does; this stops gradients.
    """
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    span = high - low
    stretched = (images - low) / torch.where(span > 0, span, torch.ones_like(span))
    return torch.floor(stretched * PEAK + HALF) / PEAK if rounded else stretched


def filter_radially(
    images: Float[Tensor, "b c h w"], response: Callable[[Tensor], Tensor], degrees: float
) -> Float[Tensor, "b c h w"]:
    """Multiply the spectrum of each channel by a response to the radial frequency; borders wrap round.

    Args:
        images: to be filtered.
        response: from cycles per degree of visual angle to a factor.
        degrees: that each side of the image spans, whatever its length in pixels.
    """
    height, width = images.shape[2:]
    rows = torch.fft.fftfreq(height, 1 / height, dtype=images.dtype, device=images.device)
    columns = torch.fft.rfftfreq(width, 1 / width, dtype=images.dtype, device=images.device)
    radius = torch.hypot(rows.unsqueeze(1), columns) / degrees
    return torch.fft.irfft2(torch.fft.rfft2(images) * response(radius), s=(height, width))
