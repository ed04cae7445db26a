"""Fuse three exposures of one scene. A stack of focus goes the same way, with the model "focus".

python examples/api/04_stack_of_three.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.scenes import simulate

folder = Path("exposures")
scene = simulate(480, 640, seed=5, darkness=0.2)


def expose(stops: float) -> np.ndarray:
    """The scene as 2^stops times the light would have given it, clipped at white."""
    light = (scene.visible / 255.0) ** 2.2 * 2.0**stops
    return np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8)


stack = [expose(stops) for stops in (-2.0, 0.5, 2.0)]
for name, picture in zip(("short", "middle", "long"), stack, strict=True):
    write_image(folder / f"{name}.jpg", picture)

# Two sources or more, in any order.
fused = Fuser.load("exposure")(*stack)

write_image(folder / "fused.jpg", fused)
print(f"{folder / 'fused.jpg'}: clipped pixels {(fused == 255).mean():.1%}, in the long exposure", end=" ")
print(f"{(stack[-1] == 255).mean():.1%}")
