"""The example picture of a training: the sources of one scene and what is made of them, side by side."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from imfuse.lab.data.patches import PatchSampler

LARGEST = (384, 512)


def example_sources(sampler: PatchSampler, multiple: int) -> Tensor:
    """The middle of the first scene as `(1, n, h, w)`, at most 384x512, its sides multiples of `multiple`."""
    scene = sampler.sets[0][0]
    sides = zip(scene.shape[1:], LARGEST, strict=True)
    height, width = (min(side, most) // multiple * multiple for side, most in sides)
    top, left = (scene.shape[1] - height) // 2, (scene.shape[2] - width) // 2
    cut = scene[:, top : top + height, left : left + width]
    return torch.from_numpy(np.multiply(cut, np.float32(1 / 255), dtype=np.float32))[None]


@torch.no_grad()
def example_picture(network: nn.Module, sources: Tensor) -> Tensor:
    """The sources and the fused image from left to right, `(h, (n + 1) w)` in [0, 1]."""
    fused = network(sources).clamp(0, 1)
    return torch.cat([*sources[0], fused[0, 0]], dim=1).cpu()
