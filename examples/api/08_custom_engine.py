"""Run your own function or PyTorch module as the engine of a `Fuser`, which gives it depth, colour, size and tiles.

python examples/api/08_custom_engine.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.scenes import simulate

folder = Path("custom")
scene = simulate(480, 640, seed=53)


class Warmest:
    """A function of NumPy: infrared where it is hot, visible elsewhere. An engine is anything with such a `run`."""

    def run(self, sources: np.ndarray) -> np.ndarray:
        """Fuse `(n, h, w)` float32 in [0, 1] into `(h, w)`."""
        infrared, visible = sources
        weight = np.clip((infrared - 0.6) * 5, 0, 1)
        return weight * infrared + (1 - weight) * visible


class Torch:
    """A module from `(b, n, h, w)` to `(b, 1, h, w)`, such as one that you are training just now."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module.eval()

    @torch.inference_mode()
    def run(self, sources: np.ndarray) -> np.ndarray:
        """Fuse `(n, h, w)` float32 in [0, 1] into `(h, w)`."""
        return self.module(torch.from_numpy(sources)[None])[0, 0].numpy()


module = torch.nn.Sequential(torch.nn.Conv2d(2, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 1, 3, padding=1))
fusers = [
    Fuser(Warmest(), name="warmest", sources=("infrared", "visible"), margin=0),
    # Two convolutions of 3 x 3 reach two pixels. A small memory makes tiles; the result is that of the whole.
    Fuser(Torch(module), name="untrained", sources=("infrared", "visible"), margin=2, memory_mb=10),
]
for fuser in fusers:
    fused = fuser(scene.infrared, scene.visible)
    write_image(folder / f"{fuser.name}.png", fused)
    print(fuser.name, fused.shape, fused.dtype)
