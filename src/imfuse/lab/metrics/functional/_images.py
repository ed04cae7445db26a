"""What the metrics share: the 0..255 scale, grey levels and Gaussian windows."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

PEAK = 255.0


def to_peak(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Bring an image in [0, 1] to the 0..255 scale on which the metrics are defined; nothing is rounded."""
    return image * PEAK


def grey_levels(image: Float[Tensor, "b 1 h w"]) -> Tensor:
    """Round half up to 256 levels, as integers `(b, h * w)`."""
    levels = torch.floor(image * PEAK + 0.5).clamp(0, PEAK)
    return levels.flatten(1).to(torch.int64)


def gaussian_window(size: int, sigma: float, like: Tensor) -> Tensor:
    """Centred, normalised Gaussian of odd `size`, one-dimensional."""
    position = torch.arange(size, device=like.device, dtype=like.dtype) - (size - 1) / 2
    window = torch.exp(-(position**2) / (2 * sigma**2))
    return window / window.sum()


def filter_separable(image: Float[Tensor, "b c h w"], window: Tensor) -> Float[Tensor, "b c h2 w2"]:
    """Correlate each channel with a separable window, without padding ('valid')."""
    channels = image.shape[1]
    column = window.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    row = window.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    image = torch.nn.functional.conv2d(image, column, groups=channels)
    return torch.nn.functional.conv2d(image, row, groups=channels)
