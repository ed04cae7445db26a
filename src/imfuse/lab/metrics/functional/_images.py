"""What the metrics share: checked images, the 0..255 scale, grey levels and Gaussian windows."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional._fast import filter_planes, is_usual
from imfuse.lab.metrics.functional._sharing import shared

FARTHEST = 0.25
"""How far beyond [0, 1] an unclamped network may reach before its values are taken for another scale, as [-1, 1]."""
PEAK = 255.0


def to_peak(image: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Bring an image in [0, 1] to the 0..255 scale on which the metrics are defined; nothing is rounded."""
    return image * PEAK


def grey_levels(image: Float[Tensor, "b 1 h w"], dtype: torch.dtype = torch.int64) -> Tensor:
    """Round half up to 256 levels, as integers `(b, h * w)`."""
    levels = (image.detach() * PEAK).add_(0.5).clamp_(0, PEAK)
    return levels.flatten(1).to(dtype)  # truncation is floor, for nothing is negative


def gaussian_window(size: int, sigma: float, like: Tensor) -> Tensor:
    """Centred, normalised Gaussian of odd `size`, one-dimensional."""
    position = torch.arange(size, device=like.device, dtype=like.dtype) - (size - 1) / 2
    window = torch.exp(-(position**2) / (2 * sigma**2))
    return window / window.sum()


def filter_separable(
    image: Float[Tensor, "b c h w"], window: Tensor, row: Tensor | None = None
) -> Float[Tensor, "b c h2 w2"]:
    """Correlate each channel with a separable window, without padding ('valid').

    OpenCV does it on a CPU, because it takes a tenth of the time there. The result may be a view of something larger.

    Args:
        image: sides not shorter than the window.
        window: weights, without gradient, down the columns, and along the rows too unless `row` is given.
        row: weights along the rows.
    """
    row = window if row is None else row
    fits = image.shape[2] >= len(window) and image.shape[3] >= len(row)  # PyTorch tells of one that does not
    if fits and is_usual(image, window, row):
        return filter_planes(image, window, row)
    channels = image.shape[1]
    with torch.autocast(image.device.type, enabled=False):  # variances lose all their digits in half precision
        image = F.conv2d(image, window.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
        return F.conv2d(image, row.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)


def check_convention(convention: str, *known: str) -> None:
    """Refuse a convention that a metric does not have.

    Raises:
        MetricError: `convention` is none of `known`.
    """
    if convention not in known:
        raise MetricError(f"no convention {convention!r}; expected one of {', '.join(known)}")


@shared
def as_fused(fused: Tensor) -> Tensor:
    """A batch of grey images as floats in [0, 1]; uint8 is divided by 255, half precision becomes single.

    Values are looked at only where no gradient is asked for, because training must not wait for the device.

    Raises:
        MetricError: not `(b, 1, h, w)`, empty, neither uint8 nor float, not finite, or on another scale than [0, 1].
    """
    _check_fused(fused)
    _check_values(fused, "fused")
    return _as_floats(fused, torch.promote_types(fused.dtype, torch.float32))


@shared
def as_images(fused: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    """Fused images `(b, 1, h, w)` and their sources `(b, n, h, w)`, n from two up, as floats in [0, 1] of one type.

    Raises:
        MetricError: as for `as_fused`, or batches or sizes that do not agree.
    """
    _check_fused(fused)
    expected = (fused.shape[0], *fused.shape[2:])
    if sources.ndim != 4 or sources.shape[1] < 2 or (sources.shape[0], *sources.shape[2:]) != expected:
        raise MetricError(
            f"sources have the shape {tuple(sources.shape)} beside fused {tuple(fused.shape)}; expected (b, n, h, w) "
            "of two or more sources with the same b, h and w"
        )
    _check_values(fused, "fused")
    _check_values(sources, "sources", training=fused.requires_grad)
    dtype = torch.promote_types(torch.promote_types(fused.dtype, sources.dtype), torch.float32)
    return _as_floats(fused, dtype), _as_floats(sources, dtype)


def _check_fused(fused: Tensor) -> None:
    if fused.ndim != 4 or fused.shape[1] != 1 or fused.numel() == 0:
        raise MetricError(f"fused has the shape {tuple(fused.shape)}; expected (b, 1, h, w) with a luma channel")


def _check_values(images: Tensor, name: str, training: bool = False) -> None:
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise MetricError(f"{name} is {images.dtype}; expected uint8 in 0..255 or floats in [0, 1]")
    if training or images.requires_grad or torch.compiler.is_compiling():
        return
    low, high = torch.aminmax(images)
    if not (low >= -FARTHEST and high <= 1 + FARTHEST):  # false for NaN too
        raise MetricError(
            f"{name} holds values from {low:.4g} to {high:.4g}; expected floats in [0, 1] without NaN, or uint8; "
            "bring [-1, 1] to it by (x + 1) / 2"
        )


def _as_floats(images: Tensor, dtype: torch.dtype) -> Tensor:
    return images.to(dtype) / PEAK if images.dtype == torch.uint8 else images.to(dtype)
