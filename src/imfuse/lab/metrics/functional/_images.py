"""What the metrics share: checked images, the 0..255 scale, grey levels and Gaussian windows."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.errors import MetricError

FARTHEST = 1.0
"""How far beyond [0, 1] an unclamped network may reach before its values are taken for another scale."""
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


def as_fused(fused: Tensor) -> Tensor:
    """A batch of grey images as floats in [0, 1]; uint8 is divided by 255.

    Values are looked at only where no gradient is asked for, because training must not wait for the device.

    Raises:
        MetricError: not `(b, 1, h, w)`, empty, neither uint8 nor float, not finite, or on another scale than [0, 1].
    """
    if fused.ndim != 4 or fused.shape[1] != 1 or fused.numel() == 0:
        raise MetricError(f"fused has the shape {tuple(fused.shape)}; expected (b, 1, h, w) with a luma channel")
    return _as_floats(fused, "fused")


def as_images(fused: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    """Fused images `(b, 1, h, w)` and their sources `(b, n, h, w)`, n from two up, as floats in [0, 1] of one type.

    Raises:
        MetricError: as for `as_fused`, or batches or sizes that do not agree.
    """
    fused = as_fused(fused)
    expected = (fused.shape[0], *fused.shape[2:])
    if sources.ndim != 4 or sources.shape[1] < 2 or (sources.shape[0], *sources.shape[2:]) != expected:
        raise MetricError(
            f"sources have the shape {tuple(sources.shape)} beside fused {tuple(fused.shape)}; expected (b, n, h, w) "
            "of two or more sources with the same b, h and w"
        )
    sources = _as_floats(sources, "sources")
    dtype = torch.promote_types(fused.dtype, sources.dtype)
    return fused.to(dtype), sources.to(dtype)


def _as_floats(images: Tensor, name: str) -> Tensor:
    if images.dtype == torch.uint8:
        return images.to(torch.get_default_dtype()) / PEAK
    if not images.is_floating_point():
        raise MetricError(f"{name} is {images.dtype}; expected uint8 in 0..255 or floats in [0, 1]")
    if not images.requires_grad and not torch.compiler.is_compiling():
        low, high = torch.aminmax(images.detach())
        if not (low >= -FARTHEST and high <= 1 + FARTHEST):  # false for NaN too
            raise MetricError(
                f"{name} holds values from {low:.4g} to {high:.4g}; expected floats in [0, 1] without NaN, or uint8"
            )
    return images
