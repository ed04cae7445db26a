"""What a card says of a network, measured: its operations, and how far a pixel's influence reaches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from imfuse.errors import TrainingError
from imfuse.lab.nn.feature_fusion import count_macs, pooling_blocks

LARGEST_CHANGE = 1e-3 / 255
HEIGHT, WIDTH = 480, 640


def macs_per_pixel(network: nn.Module, multiple: int) -> int:
    """Multiply-accumulates of convolutions and matrix products for a pixel of two 480x640 sources.

    >>> macs_per_pixel(nn.Conv2d(2, 1, 3, padding=1), 1)
    18
    """
    height, width = (-(-side // multiple) * multiple for side in (HEIGHT, WIDTH))
    return round(count_macs(network, torch.zeros(1, 2, height, width)) / (height * width))


@torch.no_grad()
def check_margin(network: nn.Module, margin: int, multiple: int) -> None:
    """Exchange everything farther than `margin` from a pixel, and see that the fused pixel stays.

    Done with noise and with a smooth scene, for pixels at several places within a cell of `multiple` pixels.

    Raises:
        TrainingError: a block pools over the whole picture, or a fused pixel changes by more than 1e-3 / 255: tiles
            would show.
    """
    if pooling := pooling_blocks(network):
        raise TrainingError(
            f"margin {margin}: {', '.join(pooling)} pools over the whole picture, so every fused pixel depends on all "
            "others and tiles would show; set the network's `margin` to None, and its pictures are fused whole"
        )
    side = -(-(2 * margin + 3 * multiple) // multiple) * multiple
    middle = side // 2 // multiple * multiple
    generator = torch.Generator().manual_seed(0)
    for offset in sorted({0, multiple // 2, multiple - 1}):
        row, column = middle + offset, middle + multiple - 1 - offset
        for near in _scenes(side, generator):
            far = torch.rand(near.shape, generator=generator)
            far[..., _within(row, margin, side), _within(column, margin, side)] = near[
                ..., _within(row, margin, side), _within(column, margin, side)
            ]
            change = float((network(near) - network(far))[0, 0, row, column].abs())
            if not change <= LARGEST_CHANGE:
                raise TrainingError(
                    f"margin {margin}: a fused pixel changes by {change * 255:.4f} / 255 when sources farther away "
                    "change; the network depends on more than its margin says, so correct its `margin`"
                )


def _scenes(side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    noise = torch.rand(1, 2, side, side, generator=generator)
    ramp = torch.linspace(0.2, 0.8, side)
    return noise, torch.stack([ramp.expand(side, side), ramp.expand(side, side).T])[None]


def _within(position: int, margin: int, side: int) -> slice:
    return slice(max(position - margin, 0), min(position + margin + 1, side))
