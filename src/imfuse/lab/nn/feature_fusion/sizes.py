"""Maps of unequal resolution at one size, and the checks that every joining block makes of its maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Mode = Literal["nearest", "bilinear"]


def resize(maps: Float[Tensor, "b c h w"], size: Sequence[int], mode: Mode = "nearest") -> Float[Tensor, "b c h2 w2"]:
    """Maps at another height and width; the same tensor where they have it.

    Args:
        maps: of one layer.
        size: height and width wanted.
        mode: `nearest` repeats values; `bilinear` mixes neighbours (pixels are areas: corners are not aligned).
    """
    if maps.shape[-2] == size[-2] and maps.shape[-1] == size[-1]:
        return maps
    if mode == "bilinear":
        return F.interpolate(maps, size=tuple(size[-2:]), mode="bilinear", align_corners=False)
    return F.interpolate(maps, size=tuple(size[-2:]), mode="nearest")


def at_size_of_first(
    maps: Sequence[Float[Tensor, "b c _h _w"]], channels: int, mode: Mode, least: int = 2
) -> list[Float[Tensor, "b c h w"]]:
    """The maps, each raised to the height and width of the first.

    Args:
        maps: finest first.
        channels: that each must have.
        mode: how values between positions come about.
        least: how many maps there must be.

    Raises:
        ValueError: too few maps, other channels, unequal batches, or a map larger than the first.
    """
    check_maps(maps, channels, least)
    first = maps[0]
    return [first, *(_raised(other, place, first, mode) for place, other in enumerate(maps[1:], 1))]


def check_maps(maps: Sequence[Tensor], channels: int, least: int) -> None:
    """See that there are enough maps, of one batch and so many channels.

    Raises:
        ValueError: they are not.
    """
    if len(maps) < least:
        raise ValueError(f"{len(maps)} maps: expected {least} or more, each an argument of its own")
    for place, other in enumerate(maps):
        if other.ndim != 4 or other.shape[1] != channels or other.shape[0] != maps[0].shape[0]:
            raise ValueError(
                f"map {place} has shape {tuple(other.shape)}: expected ({maps[0].shape[0]}, {channels}, height, "
                "width); bring maps to the same channels by a 1x1 convolution first"
            )


def check_mode(mode: str) -> Mode:
    """The mode, if it is one.

    Raises:
        ValueError: no such mode.
    """
    if mode not in get_args(Mode):
        raise ValueError(f"mode {mode!r}: expected {' or '.join(get_args(Mode))}")
    return mode  # pyright: ignore[reportReturnType]


def _raised(maps: Tensor, place: int, first: Tensor, mode: Mode) -> Tensor:
    if maps.shape[-2] == first.shape[-2] and maps.shape[-1] == first.shape[-1]:
        return maps
    if maps.shape[-2] > first.shape[-2] or maps.shape[-1] > first.shape[-1]:
        raise ValueError(
            f"map {place} of {maps.shape[-2]} x {maps.shape[-1]} is larger than the first, of {first.shape[-2]} x "
            f"{first.shape[-1]}: give the finest map first"
        )
    return resize(maps, first.shape[-2:], mode)
