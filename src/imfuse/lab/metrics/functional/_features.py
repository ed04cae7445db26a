"""Features of which feature mutual information is measured: horizontal gradient, wavelet bands, cosine transform."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

TAPS = 102
"""Of the filters that MATLAB takes for Meyer's wavelet."""
BLOCK = 32
"""Coefficients of a band that one product of matrices gives: few, for the filters leave most of a large one empty."""


def horizontal_gradient(images: Float[Tensor, "b m h w"]) -> Float[Tensor, "b m h w"]:
    """Central differences along the rows, one-sided at the border; 0 for a width of one pixel."""
    if images.shape[3] < 2:
        return torch.zeros_like(images)
    return torch.gradient(images, dim=3)[0]


def cosine_transform(images: Float[Tensor, "b m h w"]) -> Float[Tensor, "b m h w"]:
    """Orthonormal DCT-II of whole images."""
    return _cosine_transform(_cosine_transform(images).mT).mT


def meyer_bands(images: Float[Tensor, "b m h w"]) -> Float[Tensor, "b m h2 w2"]:
    """One level of the discrete Meyer transform, its four bands side by side.

    Approximation top left, vertical detail top right, horizontal detail below the approximation, as in MATLAB's
    `[cA, cH; cV, cD]`: there cH is high-pass along the columns, and cV along the rows. Half-sample symmetric border, so
    that h2 = 2 floor((h + 101) / 2).
    """
    low, high = _analyse(images.flatten(0, 1).mT)
    left, right = _analyse(low.mT), _analyse(high.mT)
    bands = torch.cat([torch.cat(left, dim=-1), torch.cat(right, dim=-1)], dim=-2)
    return bands.unflatten(0, images.shape[:2])


def _cosine_transform(rows: Tensor) -> Tensor:
    """DCT-II of the last dimension by one real FFT of its reordered values (Makhoul 1980)."""
    length = rows.shape[-1]
    spectrum = torch.fft.rfft(torch.cat([rows[..., ::2], rows[..., 1::2].flip(-1)], dim=-1))
    angle = torch.arange(spectrum.shape[-1], device=rows.device, dtype=rows.dtype) * (-math.pi / 2 / length)
    turned = spectrum * torch.polar(torch.ones_like(angle), angle) * math.sqrt(2 / length)
    result = torch.cat([turned.real, -turned.imag[..., 1 : (length + 1) // 2].flip(-1)], dim=-1)
    result[..., 0] *= math.sqrt(0.5)
    return result


def _analyse(columns: Float[Tensor, "m h w"]) -> tuple[Tensor, Tensor]:
    """Low and high band of the columns, each floor((h + 101) / 2) high."""
    height = columns.shape[1]
    count = (height + TAPS - 1) // 2
    blocks = -(-count // BLOCK)
    filters = _filters().to(columns)
    position = torch.arange(2 - TAPS, 2 * BLOCK * blocks, device=columns.device) % (2 * height)
    symmetric = columns.contiguous().index_select(1, torch.minimum(position, 2 * height - 1 - position))
    pieces = symmetric.unfold(1, filters.shape[1], 2 * BLOCK).mT
    # Image by image, for one product of all would copy the pieces, which overlap.
    bands = torch.stack([torch.bmm(filters.expand(blocks, -1, -1), piece) for piece in pieces])
    low, high = bands.unflatten(2, (2, BLOCK)).movedim(2, 0).flatten(2, 3)[:, :, :count]
    return low, high


@lru_cache(maxsize=1)
def _filters() -> Tensor:
    """`(2 * BLOCK, 2 * BLOCK + TAPS - 2)`: the low-pass filter at every second place, then the high-pass filter."""
    low = _meyer_filter().flip(0)
    high = low.flip(0) * torch.tensor([1.0, -1.0], dtype=low.dtype).repeat(TAPS // 2)
    filters = torch.zeros(2, BLOCK, 2 * BLOCK + TAPS - 2, dtype=low.dtype)
    for place in range(BLOCK):
        filters[:, place, 2 * place : 2 * place + TAPS] = torch.stack([low, high])
    return filters.flatten(0, 1)


def _meyer_filter() -> Tensor:
    """Low-pass filter of Meyer's wavelet at the places -51 to 50, from its closed form in the frequency domain.

    It agrees with MATLAB's table of `dmey` to four or five digits, where that table is rounded.
    """
    frequency = torch.linspace(0, 1, 2**13 + 1, dtype=torch.float64)
    x = (3 * frequency - 1).clamp(0, 1)
    transition = x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)
    response = torch.fft.irfft(torch.cos(math.pi / 2 * transition))
    taps = response[torch.arange(-TAPS // 2, TAPS // 2)]
    return taps * math.sqrt(2) / taps.sum()
