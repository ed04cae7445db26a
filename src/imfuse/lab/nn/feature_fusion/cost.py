"""What a block costs: its parameters and its multiply-accumulates, counted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(block: nn.Module) -> int:
    """Number of values in the parameters, frozen ones among them.

    >>> count_parameters(nn.Conv2d(8, 8, 1))
    72
    """
    return sum(parameter.numel() for parameter in block.parameters())


@torch.no_grad()
def count_macs(block: nn.Module, *inputs: Tensor) -> int:
    """Multiply-accumulates of the convolutions and matrix products of one call in evaluation.

    Element-wise operations, pooling and resizing are not among them.

    >>> count_macs(nn.Conv2d(8, 8, 1), torch.rand(1, 8, 16, 16)) == 16 * 16 * 8 * 8
    True
    """
    modes = {module: module.training for module in block.modules()}
    block.eval()
    try:
        with FlopCounterMode(display=False) as counter:
            block(*inputs)
    finally:
        for module, training in modes.items():
            module.training = training
    return counter.get_total_flops() // 2


def cost(block: nn.Module, *shapes: Sequence[int]) -> str:
    """Parameters and multiply-accumulates of a call with maps of these shapes, in words.

    >>> cost(nn.Conv2d(8, 8, 1), (1, 8, 16, 16))
    '72 parameters, 16,384 MACs'
    """
    macs = count_macs(block, *(torch.zeros(*shape) for shape in shapes))
    return f"{count_parameters(block):,} parameters, {macs:,} MACs"
