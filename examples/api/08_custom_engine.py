"""Run your own function or PyTorch module as the engine of a `Fuser`, which gives it depth, colour, size and tiles.

python examples/api/08_custom_engine.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.lab.engine import torch_fuser
from imfuse.lab.models import build_model
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


fusers = [
    Fuser(Warmest(), name="warmest", sources=("infrared", "visible"), margin=0),
    # A module that says its size rule and margin, trained or not: untrained, this one is a plain pyramid.
    torch_fuser(build_model("learned_pyramid", levels=4), ("infrared", "visible"), name="untrained"),
]
for fuser in fusers:
    fused = fuser(scene.infrared, scene.visible)
    write_image(folder / f"{fuser.name}.png", fused)
    print(fuser.name, fused.shape, fused.dtype)
