"""What the tests of network parts share: random weights everywhere, and the reach of a pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn


@pytest.fixture
def awake() -> Callable[..., nn.Module]:
    """Give a module random weights and statistics, in evaluation and 64 bits, so that all of it has a say."""

    @torch.no_grad()
    def make(module: nn.Module, seed: int = 0) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var") or tensor.numel() == 1:
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.5 + 0.5)
            elif tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * tensor[0].numel() ** -0.5)
        return module.double().eval()

    return make


@pytest.fixture
def reach() -> Callable[..., int]:
    """Measure by gradients how many pixels to each side what a network makes depends on.

    `scale` is the number of pixels a side that one pixel of the result covers: the farthest of them counts.
    """

    def measure(network: Callable[..., Tensor], shape: Sequence[int], scale: int = 1, period: int = 1) -> int:
        x = torch.rand(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.double).requires_grad_()
        made = network(x)
        middle = made.shape[-1] // 2 // period * period
        farthest = 0
        for position in range(middle, middle + period):
            (gradient,) = torch.autograd.grad(made[..., position, position].sum(), x, retain_graph=True)
            size = gradient.abs().sum((0, 1))
            for place in torch.nonzero(size > 1e-12 * size.max()).unbind(1):
                first, last = int(place.min()), int(place.max())
                assert 0 < first <= last < x.shape[-1] - 1, "the map is too small to see how far it reaches"
                farthest = max(farthest, (position + 1) * scale - 1 - first, last - position * scale)
        return farthest

    return measure
