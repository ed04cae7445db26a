"""Error of hue: how far the colours of the fused image are from those of its colour source."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional._images import PEAK, _as_floats, _check_values

RED, GREEN, BLUE = 0.299, 0.587, 0.114
GREY = 0.5 / PEAK
"""Chroma below half a level of 255 is rounding, not colour."""
LOST = 90.0
"""What a pixel without hue counts, in degrees: the mean over all hues that it might have had."""


def hue_error(fused: Float[Tensor, "b 3 h w"], colour: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """Mean absolute difference of hue to the colour source, in degrees in [0, 180]; lower is better.

    Hue is the angle in the plane of Cb and Cr (BT.601), so that luma and saturation do not matter. Each pixel weighs
    as much as the chroma of the colour source there, sqrt(Cb^2 + Cr^2), because the hue of a nearly grey pixel is
    noise; pixels of the colour source with a chroma below half a level of 255 do not count at all. Where the colour
    source has colour and the fused image has none (by the same threshold), the pixel counts 90 degrees: lost colour
    is as wrong as a random hue, and a grey fused image has 90. 0 where the colour source has no colour at all.

    Lost colour has no gradient.

    Args:
        fused: RGB, uint8 or floats in [0, 1].
        colour: the source that carries the colour, RGB, as `fused`.

    Raises:
        MetricError: not `(b, 3, h, w)`, shapes that differ, neither uint8 nor float, not finite, or on another scale.

    Example:
        >>> red, orange, grey = (torch.tensor(rgb).view(1, 3, 1, 1) for rgb in ([1, 0, 0.], [1, 0.5, 0], [1, 1, 1.]))
        >>> [round(hue_error(fused, red).item()) for fused in (red, orange, grey)]
        [0, 30, 90]
    """
    fused, colour = _as_colours(fused, colour)
    blue_f, red_f = _chroma(fused)
    blue_c, red_c = _chroma(colour)
    energy = blue_c.square() + red_c.square()
    coloured = energy >= GREY**2
    weight = torch.where(coloured, energy, torch.ones_like(energy)).sqrt() * coloured
    known = blue_f.square() + red_f.square() >= GREY**2
    along = torch.where(known, blue_f * blue_c + red_f * red_c, torch.ones_like(weight))
    across = torch.where(known, blue_f * red_c - red_f * blue_c, torch.zeros_like(weight))
    degrees = torch.rad2deg(torch.atan2(across.abs(), along))
    degrees = torch.where(known, degrees, torch.full_like(degrees, LOST))
    total = weight.sum(dim=(1, 2))
    return (weight * degrees).sum(dim=(1, 2)) / torch.where(total > 0, total, torch.ones_like(total))


def _chroma(image: Tensor) -> tuple[Tensor, Tensor]:
    """Cb and Cr of RGB, `(b, h, w)` each."""
    red, green, blue = image.unbind(1)
    luma = RED * red + GREEN * green + BLUE * blue
    return (blue - luma) / (2 - 2 * BLUE), (red - luma) / (2 - 2 * RED)


def _as_colours(fused: Tensor, colour: Tensor) -> tuple[Tensor, Tensor]:
    if fused.ndim != 4 or fused.shape[1] != 3 or fused.numel() == 0:
        raise MetricError(f"fused has the shape {tuple(fused.shape)}; expected (b, 3, h, w) with red, green and blue")
    if colour.shape != fused.shape:
        raise MetricError(
            f"the colour source has the shape {tuple(colour.shape)}; expected that of fused, {tuple(fused.shape)}"
        )
    _check_values(fused, "fused")
    _check_values(colour, "the colour source")
    dtype = torch.promote_types(torch.promote_types(fused.dtype, colour.dtype), torch.float32)
    return _as_floats(fused, dtype), _as_floats(colour, dtype)
