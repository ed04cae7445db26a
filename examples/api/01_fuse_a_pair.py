"""Fuse an infrared and a visible picture.

python examples/api/01_fuse_a_pair.py
"""

from __future__ import annotations

from pathlib import Path

import imfuse
from imfuse.images.files import read_image, write_image
from imfuse.scenes import simulate

folder = Path("pair")

# Two pictures of one street at night. Use your own in their place.
scene = simulate(480, 640, seed=53, darkness=0.85)
write_image(folder / "ir.png", scene.infrared)
write_image(folder / "vis.png", scene.visible)

# In one line, from files.
fused = imfuse.fuse(folder / "ir.png", folder / "vis.png")

# Or load the model once, and call it with arrays as often as you like. The order is that of `fuser.sources`.
fuser = imfuse.Fuser.load("ivif")
infrared, visible = read_image(folder / "ir.png").pixels, read_image(folder / "vis.png").pixels
print(fuser.sources, infrared.shape, visible.shape)
fused = fuser(infrared, visible)

write_image(folder / "fused.png", fused)
print(f"{folder / 'fused.png'}: {fused.shape} {fused.dtype}")
