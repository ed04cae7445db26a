"""PyTorch as an engine: a network that has just been trained, handed to the Fuser without an export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imfuse.runtime.fuser import Fuser


class TorchEngine:
    """Runs a network of `imfuse.lab.models` behind the engine protocol.

    Args:
        network: maps `(1, n, h, w)` sources in [0, 1] to `(1, 1, h, w)`; it is put into evaluation mode.
        device: where it runs; None leaves it where it is.
    """

    def __init__(self, network: nn.Module, device: str | torch.device | None = None) -> None:
        self.network = (network if device is None else network.to(device)).eval()

    @torch.inference_mode()
    def run(self, sources: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fuse `(n, h, w)` sources in [0, 1] into `(h, w)`."""
        first = next(self.network.parameters(), torch.empty(0))
        fused = self.network(torch.from_numpy(sources).unsqueeze(0).to(first.device, first.dtype))
        return fused[0, 0].float().cpu().numpy()


def torch_fuser(network: nn.Module, sources: Sequence[str] = ("A", "B"), **options: Any) -> Fuser:
    """A Fuser of a network that carries `size_multiple`, `margin` and `symmetric`.

    Args:
        network: as for `TorchEngine`.
        sources: names of its sources in their order.
        options: `name` and `memory_mb` of `Fuser`.

    Example:
        >>> from imfuse.lab.models import build_model
        >>> fuser = torch_fuser(build_model("learned_pyramid"), ("infrared", "visible"))
        >>> fuser(np.zeros((30, 40), np.uint8), np.zeros((30, 40, 3), np.uint8)).shape
        (30, 40, 3)
    """
    rule: dict[str, Any] = {name: getattr(network, name) for name in ("size_multiple", "margin", "symmetric")}
    return Fuser(TorchEngine(network), sources=sources, **rule, **options)
