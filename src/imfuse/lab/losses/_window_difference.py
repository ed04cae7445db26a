"""How far a map differs from its neighbours within a window, in the memory of a few maps whatever the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import EllipsisType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Place = tuple[EllipsisType, slice, slice]


def window_difference(maps: Float[Tensor, "b h w"], radius: int) -> Float[Tensor, "b h w"]:
    """Mean |map(p) - map(q)| over the pixels q of the square window round p that lie within the map.

    Memory is a few maps whatever the radius, forward and backward: no difference is kept, each is computed anew for the
    gradient. It can be differentiated once.
    """
    return _window_difference(maps, radius)


# Operators of their own, so that a compiler takes each as one step rather than write out its hundreds of offsets.
@torch.library.custom_op("imfuse::window_difference", mutates_args=(), schema="(Tensor maps, int radius) -> Tensor")
def _window_difference(maps: Tensor, radius: int) -> Tensor:
    total = torch.zeros_like(maps)
    for here, there in _pairs(maps.shape, radius):
        size = (maps[here] - maps[there]).abs_()
        total[here].add_(size)
        total[there].add_(size)
    return total / _window_size(maps, radius)


@torch.library.custom_op(
    "imfuse::window_difference_slope", mutates_args=(), schema="(Tensor slope, Tensor maps, int radius) -> Tensor"
)
def _window_difference_slope(slope: Tensor, maps: Tensor, radius: int) -> Tensor:
    share = slope / _window_size(maps, radius)
    total = torch.zeros_like(maps)
    for here, there in _pairs(maps.shape, radius):
        pull = (maps[here] - maps[there]).sign_().mul_(share[here] + share[there])
        total[here].add_(pull)
        total[there].sub_(pull)
    return total


def _remember(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:  # noqa: ARG001
    maps, ctx.radius = inputs
    ctx.save_for_backward(maps)


def _backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
    return _window_difference_slope(slope, *ctx.saved_tensors, ctx.radius), None


_window_difference.register_fake(lambda maps, radius: torch.empty_like(maps))  # noqa: ARG005
_window_difference_slope.register_fake(lambda slope, maps, radius: torch.empty_like(maps))  # noqa: ARG005
_window_difference.register_autograd(_backward, setup_context=_remember)


def _pairs(shape: Sequence[int], radius: int) -> Iterator[tuple[Place, Place]]:
    """Where all pixels and their neighbours lie, offset by offset; half of the offsets, as |p - q| = |q - p|."""
    height, width = shape[-2:]
    far = min(radius, width - 1)
    for down in range(min(radius, height - 1) + 1):
        for across in range(-far if down else 1, far + 1):
            left, right = max(-across, 0), max(across, 0)
            here = (..., slice(height - down), slice(left, width - right))
            there = (..., slice(down, height), slice(right, width - left))
            yield here, there


def _window_size(maps: Tensor, radius: int) -> Float[Tensor, "h w"]:
    """Number of pixels of the window round each that lie within the map."""
    rows, columns = (
        (place.clamp(max=radius) + place.flip(0).clamp(max=radius) + 1)
        for place in (torch.arange(side, device=maps.device, dtype=maps.dtype) for side in maps.shape[-2:])
    )
    return rows[:, None] * columns
