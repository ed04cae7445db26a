"""Fuse the raw counts of a thermal camera: 14 bits in a 16-bit file, of which a scene uses a small part.

python examples/api/05_sixteen_bit_thermal.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imfuse import Fuser
from imfuse.images.files import read_image, write_image
from imfuse.scenes import simulate

folder = Path("thermal")
scene = simulate(480, 640, seed=8, darkness=0.9)

# As a camera counts: room temperature near 7000, a few counts for a hundredth of a kelvin.
counts = (7000 + 6 * scene.infrared.astype(np.uint16)).astype(np.uint16)
write_image(folder / "counts.png", counts)
thermal = read_image(folder / "counts.png").pixels
print(f"thermal {thermal.dtype}, {thermal.min()} to {thermal.max()} of 65535")

fuser = Fuser.load("ivif")

# A 16-bit infrared source is stretched between its 0.5 and 99.5 percentiles; the result is as deep as it.
deep = fuser(thermal, scene.visible)
write_image(folder / "fused16.png", deep)

# For the screen. `minmax` for the infrared keeps its extremes, such as a flame.
shown = fuser(thermal, scene.visible, value_range=("minmax", "dtype"), dtype="uint8")
write_image(folder / "fused8.jpg", shown)

# Over a sequence a fixed range keeps the brightness still: scale to [0, 1] yourself, and give floats.
low, high = 6900, 8600
unit = np.clip((thermal.astype(np.float32) - low) / (high - low), 0, 1).astype(np.float32)
steady = fuser(unit, scene.visible, dtype="uint8")
write_image(folder / "fused_steady.jpg", steady)
print(f"{folder}: {deep.dtype}, {shown.dtype}, {steady.dtype}")
